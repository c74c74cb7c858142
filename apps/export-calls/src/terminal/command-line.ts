import { parseArgs } from "node:util";
import type { Period } from "../report/report-job.js";

/** The arguments of the command. */
export interface CommandLine {
  readonly help: boolean;
  /** Undefined when neither end was given. */
  readonly period: Period | undefined;
  readonly out: string;
}

/** The text of `--help`. */
export const USAGE = `Usage: export-calls [--from ISO] [--to ISO] [--out FILE]

Exports the calls of a period as CSV. After an interruption, the same command continues where it stopped.

  --from ISO  first day (UTC) or first instant, such as 2026-01-31 or 2026-01-31T08:00:00Z (default: one day in all)
  --to ISO    last day (UTC), which is included, or an instant, before which the period ends (default: one day in all)
  --out FILE  name of the file (default: calls.csv); FILE.part and FILE.part.json exist until it is complete
  --help      show this text`;

const DAY_MS = 86_400_000;
const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads the arguments of the command.
 *
 * @throws TypeError whose message is one sentence for the person who typed them.
 */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { from, to, out = "calls.csv", help = false } = parse(args);
  if (out === "" || /[\\/]$/.test(out)) throw new TypeError("--out must be the name of a file.");
  const start = from === undefined ? undefined : parseInstant("--from", from);
  // People who name a last day want its calls too.
  const end = to === undefined ? undefined : parseInstant("--to", to) + (isDay(to) ? DAY_MS : 0);
  const period =
    start === undefined && end === undefined
      ? undefined
      : toPeriod(start ?? (end ?? 0) - DAY_MS, end ?? (start ?? 0) + DAY_MS);
  return { help, period, out };
}

/** Finds the last whole day before an instant, in UTC. */
export function findLastDay(now: number): Period {
  const end = Math.floor(now / DAY_MS) * DAY_MS;
  return toPeriod(end - DAY_MS, end);
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

const isDay = (text: string): boolean => !text.includes("T");

function parseInstant(option: string, text: string): number {
  const [, day = ""] = INSTANT.exec(text) ?? [];
  const at = Date.parse(text);
  // Date.parse reads the 31st of February as a day in March.
  const isRealDay = day !== "" && !Number.isNaN(at) && formatDay(Date.parse(day)) === day;
  if (isRealDay) return at;
  throw new TypeError(
    `${option} must be a date or an instant with its offset, such as 2026-01-31 or 2026-01-31T08:00:00Z.`,
  );
}

const formatDay = (at: number): string => (Number.isNaN(at) ? "" : new Date(at).toISOString().slice(0, 10));

function toPeriod(from: number, to: number): Period {
  if (from >= to) throw new TypeError("--to must not be before --from.");
  return { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
}
