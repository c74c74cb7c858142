import type { FieldError } from "../message/api-error.js";
import { REPORT_FORMATS, type ReportFormat, type ReportPeriod, type ReportRequest } from "./report-job.js";

/** Why a report was refused: a code of the service, its message, and the members that are wrong. */
export interface ReportRefusal {
  readonly code: "1020001" | "1020005" | "1020016";
  readonly message: string;
  readonly fields?: readonly FieldError[];
}

/** The period of a report that was asked for without one. It is fixed, so that two runs give the same rows. */
const DEFAULT_PERIOD: ReportPeriod = { from: Date.UTC(2024, 0, 1), to: Date.UTC(2024, 0, 31) };

/** A date and time of ISO 8601, to the second or finer. */
const INSTANT = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?$/;

/** Reads the request for a report, or tells why it is refused. */
export function readReport(
  type: string,
  body: Readonly<Record<string, unknown>> | undefined,
  now: number,
): ReportRequest | ReportRefusal {
  if (body === undefined) {
    return invalidInput([{ name: "body", description: "Must be a JSON object, sent as application/json." }]);
  }
  const { name = type, format = "csv", timezone, timespan } = body;
  const wrong: FieldError[] = [];
  if (typeof name !== "string") wrong.push({ name: "name", description: "Must be a string." });
  if (!REPORT_FORMATS.includes(format as ReportFormat)) {
    wrong.push({ name: "format", description: `Must be one of ${REPORT_FORMATS.join(", ")}.` });
  }
  if (wrong.length > 0) return invalidInput(wrong);
  if (timezone !== undefined && !isTimezone(timezone)) {
    return { code: "1020016", message: "Invalid timezone received" };
  }
  const period = timespan === undefined ? DEFAULT_PERIOD : readTimespan(timespan, now);
  if (!("from" in period)) return period;
  return {
    type,
    name: name as string,
    format: format as ReportFormat,
    ...(timezone !== undefined && { timezone: timezone as string }),
    ...(timespan !== undefined && { timespan }),
    period,
  };
}

/** Reads a period. It ends now when it was asked for until later: nothing is known of the future. */
function readTimespan(timespan: unknown, now: number): ReportPeriod | ReportRefusal {
  const { from, to } = Object(timespan) as { from?: unknown; to?: unknown };
  const [start, end] = [readInstant(from), readInstant(to)];
  const wrong = [
    ...(start === undefined ? [describeFormat("timespan[from]")] : []),
    ...(end === undefined ? [describeFormat("timespan[to]")] : []),
  ];
  if (start === undefined || end === undefined) return invalidInput(wrong);
  if (start >= end) {
    return { code: "1020005", message: "Timespan lower boundary must be older than upper boundary" };
  }
  if (start > now) {
    return invalidInput([
      { name: "timespan[from]", description: "timespan[from] must not be in the future" },
    ]);
  }
  return { from: start, to: Math.min(end, now) };
}

/** Reads an instant, in epoch milliseconds. Without a zone it is UTC. */
function readInstant(value: unknown): number | undefined {
  if (typeof value !== "string" || !INSTANT.test(value)) return undefined;
  const hasZone = /(?:Z|[+-]\d\d:?\d\d)$/.test(value);
  const ms = Date.parse(`${value.replace(" ", "T")}${hasZone ? "" : "Z"}`);
  return Number.isNaN(ms) ? undefined : ms;
}

function isTimezone(value: unknown): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: value as string });
    return typeof value === "string";
  } catch {
    return false;
  }
}

function describeFormat(name: string): FieldError {
  return { name, description: `${name} format is not supported` };
}

function invalidInput(fields: readonly FieldError[]): ReportRefusal {
  return { code: "1020001", message: "Input parameters validation failed", fields };
}
