import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { Directory, PhoneNumber, User } from "../world/directory.js";
import { getReportColumns, type ReportColumn, type ReportRow } from "./report-columns.js";
import { REPORT_FORMATS, type ReportFormat, type ReportJob, type ReportPeriod } from "./report-job.js";

// Type, period in epoch milliseconds, id and format.
const FILE_PATH = /^reports\/([a-z][a-z0-9_]*)\/(\d+)-(\d+)\/([0-9a-f]{32})\.(\w+)$/;
const DIGITS_PER_ROW = 64;
// The digits of many rows are derived at once, so a file of 100 000 rows takes about a second.
const ROWS_PER_BLOCK = 256;
const MAX_SECONDS = 900;
const MAX_WAIT_SECONDS = 30;

const CONTENT_TYPES: Readonly<Record<ReportFormat, string>> = {
  csv: "text/csv; charset=utf-8",
  json: "application/json",
  json_bulk: "application/x-ndjson",
};

/** Makes the path of the file of a report, after region and account. It has all that the file is made of. */
export function makeReportPath({ id, type, format, period }: ReportJob): string {
  return `reports/${type}/${period.from}-${period.to}/${id}.${format}`;
}

/**
 * Makes the file of a report from its path; gives undefined for any other path. The same arguments give the same bytes, and
 * the reports of one period describe the same interactions.
 */
export function findReportFile(
  seed: Seed,
  region: Region,
  account: string,
  directory: Directory,
  path: string,
  rowCount: number,
): { readonly contentType: string; readonly bytes: Uint8Array } | undefined {
  const [, type = "", from, to, , format] = FILE_PATH.exec(path) ?? [];
  const known = REPORT_FORMATS.find((name) => name === format);
  if (known === undefined) return undefined;
  const period = { from: Number(from), to: Number(to) };
  const rows = makeRows(seed, `${region}/${account}`, period, directory, rowCount);
  return { contentType: CONTENT_TYPES[known], bytes: writeRows(getReportColumns(type), rows, known) };
}

/** Makes the rows of a period, in blocks. */
function* makeRows(
  seed: Seed,
  place: string,
  { from, to }: ReportPeriod,
  { users, phoneNumbers }: Directory,
  rowCount: number,
): Generator<readonly ReportRow[]> {
  for (let first = 0; first < rowCount; first += ROWS_PER_BLOCK) {
    const digits = seed.hex(`${place}/report/${from}-${to}/${first}`, ROWS_PER_BLOCK * DIGITS_PER_ROW);
    const rows: ReportRow[] = [];
    for (let row = first; row < Math.min(first + ROWS_PER_BLOCK, rowCount); row += 1) {
      const start = (row - first) * DIGITS_PER_ROW;
      const startedAt = from + Math.floor(((to - from) * row) / rowCount);
      const own = digits.slice(start, start + DIGITS_PER_ROW);
      rows.push(makeRow(own, startedAt, to, users, phoneNumbers));
    }
    yield rows;
  }
}

/** Writes blocks of rows in a format. The file as one text could be longer than a text may be. */
function writeRows(
  columns: readonly ReportColumn[],
  blocks: Iterable<readonly ReportRow[]>,
  format: ReportFormat,
): Uint8Array {
  const toCsv = (row: ReportRow): string => `${columns.map(([, getValue]) => getValue(row)).join(",")}\n`;
  const toJson = (row: ReportRow): string =>
    JSON.stringify(Object.fromEntries(columns.map(([name, getValue]) => [name, getValue(row)])));
  const parts: Buffer[] = [];
  const write = (text: string): unknown => parts.push(Buffer.from(text));

  if (format === "csv") write(`${columns.map(([name]) => name).join(",")}\n`);
  if (format === "json") write('{"entries":[');
  let isFirst = true;
  for (const rows of blocks) {
    if (format === "csv") write(rows.map(toCsv).join(""));
    else if (format === "json_bulk") write(rows.map((row) => `${toJson(row)}\n`).join(""));
    else write((isFirst ? "" : ",") + rows.map(toJson).join(","));
    isFirst = false;
  }
  if (format === "json") write("]}\n");
  return Buffer.concat(parts);
}

/** Describes one interaction, from 64 hexadecimal digits. It ends within the period. */
function makeRow(
  digits: string,
  startedAt: number,
  end: number,
  users: readonly User[],
  phoneNumbers: readonly PhoneNumber[],
): ReportRow {
  const readNumber = (from: number): number => Number.parseInt(digits.slice(from, from + 6), 16);
  const secondsLeft = Math.floor((end - startedAt) / 1000);
  const seconds = Math.min(readNumber(32) % MAX_SECONDS, secondsLeft);
  return {
    id: digits.slice(0, 32),
    startedAt,
    seconds,
    waitSeconds: Math.min(readNumber(38) % MAX_WAIT_SECONDS, seconds),
    isInbound: readNumber(44) % 2 === 0,
    choice: readNumber(47),
    user: users[readNumber(50) % users.length] as User,
    talkdeskNumber: phoneNumbers[readNumber(54) % phoneNumbers.length]?.phone_number ?? "",
    // The numbers 555-0100 to 555-0199 are reserved for fiction.
    contactNumber: `+1312555${String(100 + (readNumber(58) % 100)).padStart(4, "0")}`,
  };
}
