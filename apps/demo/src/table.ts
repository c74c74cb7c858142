import type { Step } from "./step.js";

/** Formats steps as the lines of a table. Each column is as wide as its longest cell. */
export function formatTable(steps: readonly Step[]): string[] {
  const rows = [
    ["step", "what happened", "ms"],
    ...steps.map(({ what, happened, ms }) => [what, happened, ms.toFixed(0)]),
  ];
  const measureColumn = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [what, happened, ms] = [measureColumn(0), measureColumn(1), measureColumn(2)];
  const formatRow = ([first = "", second = "", third = ""]: readonly string[]): string =>
    `${first.padEnd(what)}  ${second.padEnd(happened)}  ${third.padStart(ms)}`;
  const [head = [], ...body] = rows;
  return [formatRow(head), "─".repeat(what + happened + ms + 4), ...body.map(formatRow)];
}
