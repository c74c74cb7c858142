/** Formats rows as the lines of a table; the first row is its head. Each column is as wide as its longest cell. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const rule = widths.map((width) => "─".repeat(width)).join("──");
  return [...lines.slice(0, 1), rule, ...lines.slice(1)];
}
