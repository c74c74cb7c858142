import type { Step } from "./demo.js";

/** The steps as lines of a table, its columns as wide as what is in them. */
export function table(steps: readonly Step[]): string[] {
  const rows = [
    ["step", "what happened", "ms"],
    ...steps.map(({ what, happened, ms }) => [what, happened, ms.toFixed(0)]),
  ];
  const width = (column: number): number => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const [what, happened, ms] = [width(0), width(1), width(2)];
  const line = ([first = "", second = "", third = ""]: readonly string[]): string =>
    `${first.padEnd(what)}  ${second.padEnd(happened)}  ${third.padStart(ms)}`;
  const [head = [], ...body] = rows;
  return [line(head), "─".repeat(what + happened + ms + 4), ...body.map(line)];
}
