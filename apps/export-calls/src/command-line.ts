import { parseArgs } from "node:util";
import type { Period } from "./report-job.js";

/** What the command was asked to do. */
export interface CommandLine {
  readonly help: boolean;
  /** What was asked for; undefined when neither end was. */
  readonly period: Period | undefined;
  readonly out: string;
}

/** How to use the command. */
export const usage = `Usage: export-calls [--from ISO] [--to ISO] [--out FILE]

Exports the calls of a period as CSV. Run again after an interruption, it goes on where it stopped.

  --from ISO  start of the period, such as 2026-01-31 or 2026-01-31T08:00:00Z (a day before its end)
  --to ISO    its end, not included (a day after its start; without --from, the beginning of today, UTC)
  --out FILE  where to write (calls.csv); FILE.part and FILE.part.json exist until it is whole
  --help      this text`;

const DAY_MS = 86_400_000;
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads the arguments of the command.
 *
 * @throws TypeError with one sentence for the person who typed them.
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { from, to, out = "calls.csv", help = false } = parse(args);
  if (out === "" || /[\\/]$/.test(out)) throw new TypeError("--out takes the name of a file.");
  const start = from === undefined ? undefined : instant("--from", from);
  const end = to === undefined ? undefined : instant("--to", to);
  const period =
    start === undefined && end === undefined
      ? undefined
      : spanning(start ?? (end ?? 0) - DAY_MS, end ?? (start ?? 0) + DAY_MS);
  return { help, period, out };
}

/** The last whole day before an instant, in UTC. */
export function lastDayBefore(now: number): Period {
  const end = Math.floor(now / DAY_MS) * DAY_MS;
  return spanning(end - DAY_MS, end);
}

function parse(args: readonly string[]): { from?: string; to?: string; out?: string; help?: boolean } {
  const text = { type: "string" } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { from: text, to: text, out: text, help: { type: "boolean", short: "h" } },
      strict: true,
      allowPositionals: false,
    }).values;
  } catch (error) {
    const [said = ""] = (error as Error).message.split(/\.\s/, 1);
    throw new TypeError(`${said.replace(/\.$/, "")}; the options are --from ISO, --to ISO and --out FILE.`);
  }
}

function instant(option: string, text: string): number {
  const [, day = ""] = INSTANT.exec(text) ?? [];
  const at = Date.parse(text);
  // Date.parse takes the 31st of February for the 2nd or 3rd of March.
  const isDay = day !== "" && !Number.isNaN(at) && isoDay(Date.parse(day)) === day;
  if (isDay) return at;
  throw new TypeError(
    `${option} takes a date or an instant with its offset, such as 2026-01-31 or 2026-01-31T08:00:00Z.`,
  );
}

const isoDay = (at: number): string => (Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, 10));

function spanning(from: number, to: number): Period {
  if (from >= to) throw new TypeError("--from must be before --to.");
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}
