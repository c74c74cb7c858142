/**
 * Draws a table in Markdown, with columns of equal width as a formatter leaves them.
 *
 * @param {readonly (readonly string[])[]} lines The head and the rows.
 * @param {{ areNumbers?: boolean }} [options] `areNumbers`: all columns but the first are aligned to the right. Default: false.
 */
export function drawMarkdownTable(lines, { areNumbers = false } = {}) {
  const [head = [], ...rows] = lines;
  const widths = head.map((_, column) =>
    Math.max(3, ...lines.map((line) => [...(line[column] ?? "")].length)),
  );
  /** @param {number} column */
  const isRight = (column) => areNumbers && column > 0;
  /** @param {readonly string[]} cells */
  const draw = (cells) =>
    `| ${cells.map((text, column) => (isRight(column) ? text.padStart(widths[column] ?? 0) : text.padEnd(widths[column] ?? 0))).join(" | ")} |`;
  const rule = widths.map((width, column) =>
    isRight(column) ? `${"-".repeat(width - 1)}:` : "-".repeat(width),
  );
  return [draw(head), draw(rule), ...rows.map(draw)].join("\n");
}
