import type { Seed } from "../base/seed.js";
import type { Directory } from "../world/directory.js";

const header = "call_id,started_at,direction,duration_seconds,agent";
const digitsPerRow = 48;
// One derivation for many rows: a file of hundreds of thousands is made in less than a second.
const rowsPerBlock = 256;

/** Makes the CSV of a calls report: the same bytes for the same seed, report, users and number of rows. */
export function reportFile(seed: Seed, { users }: Directory, id: string, rowCount: number): Uint8Array {
  const lines = [header];
  for (let block = 0; block * rowsPerBlock < rowCount; block += 1) {
    const first = block * rowsPerBlock;
    const digits = seed.hex(`report/${id}/${block}`, rowsPerBlock * digitsPerRow);
    for (let row = first; row < Math.min(first + rowsPerBlock, rowCount); row += 1) {
      const own = digits.slice((row - first) * digitsPerRow, (row - first + 1) * digitsPerRow);
      const number = (from: number, below: number): number =>
        Number.parseInt(own.slice(from, from + 6), 16) % below;
      const startedAt = new Date(Date.UTC(2024, 0, 1) + row * 3_600_000).toISOString();
      const agent = users[number(32, users.length)]?.name ?? "";
      lines.push(
        [own.slice(0, 32), startedAt, number(38, 2) === 0 ? "in" : "out", number(42, 900), agent].join(","),
      );
    }
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}
