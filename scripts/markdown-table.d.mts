/** Draws a table in Markdown. `areNumbers`: all columns but the first are aligned to the right; default: false. */
export declare function drawMarkdownTable(
  lines: readonly (readonly string[])[],
  options?: { readonly areNumbers?: boolean },
): string;
