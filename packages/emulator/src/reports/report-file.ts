import type { Seed } from "../base/seed.js";
import type { Directory } from "../world/directory.js";

const HEADER = "call_id,started_at,direction,duration_seconds,agent";
const DIGITS_PER_ROW = 48;
// The digits of many rows are derived at once, so a file of 100 000 rows takes less than a second.
const ROWS_PER_BLOCK = 256;

/** Makes the CSV of a calls report. The same arguments give the same bytes. */
export function makeReportFile(seed: Seed, { users }: Directory, id: string, rowCount: number): Uint8Array {
  const lines = [HEADER];
  for (let block = 0; block * ROWS_PER_BLOCK < rowCount; block += 1) {
    const first = block * ROWS_PER_BLOCK;
    const digits = seed.hex(`report/${id}/${block}`, ROWS_PER_BLOCK * DIGITS_PER_ROW);
    for (let row = first; row < Math.min(first + ROWS_PER_BLOCK, rowCount); row += 1) {
      const own = digits.slice((row - first) * DIGITS_PER_ROW, (row - first + 1) * DIGITS_PER_ROW);
      const readNumber = (from: number, below: number): number =>
        Number.parseInt(own.slice(from, from + 6), 16) % below;
      const startedAt = new Date(Date.UTC(2024, 0, 1) + row * 3_600_000).toISOString();
      const agent = users[readNumber(32, users.length)]?.name ?? "";
      const direction = readNumber(38, 2) === 0 ? "in" : "out";
      lines.push([own.slice(0, 32), startedAt, direction, readNumber(42, 900), agent].join(","));
    }
  }
  return new TextEncoder().encode(`${lines.join("\n")}\n`);
}
