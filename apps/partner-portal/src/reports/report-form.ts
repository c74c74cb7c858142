import type { Period } from "../api/report-jobs.js";
import type { ReportForm } from "./reports-page.js";

const DAY_MS = 86_400_000;
/** Explore's limit for one report. */
const MAX_DAYS = 31;

/** Fills the empty form: the last seven whole days in UTC. */
export function suggestLastWeek(now: number): ReportForm {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  return { from: formatDay(today - 7 * DAY_MS), to: formatDay(today - DAY_MS) };
}

/**
 * Parses the submitted form. Both days are included in the period.
 *
 * @returns The period; or the form to show again, with the problem.
 */
export function parseReportForm(body: unknown): { readonly period: Period } | { readonly form: ReportForm } {
  const { from: typedFrom, to: typedTo } = Object(body) as { readonly from?: unknown; readonly to?: unknown };
  const from = String(typedFrom ?? "").slice(0, 10);
  const to = String(typedTo ?? "").slice(0, 10);
  const [first, last] = [parseDay(from), parseDay(to)];
  const refuse = (problem: string) => ({ form: { from, to, problem } });
  if (first === undefined || last === undefined) return refuse("Enter both days, such as 2026-01-31.");
  if (first > last) return refuse("The first day is after the last day.");
  if (last - first >= MAX_DAYS * DAY_MS) return refuse(`A report can cover ${MAX_DAYS} days at most.`);
  return { period: { from: new Date(first).toISOString(), to: new Date(last + DAY_MS).toISOString() } };
}

function parseDay(text: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse reads the 31st of February as a day in March.
  return Number.isNaN(at) || formatDay(at) !== text ? undefined : at;
}

const formatDay = (at: number): string => new Date(at).toISOString().slice(0, 10);
