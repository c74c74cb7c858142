import type { ReportForm } from "./pages/reports-page.js";
import type { Period } from "./reports.js";

const dayMs = 86_400_000;
const longestDays = 31;

/** What the form holds at first: the last seven whole days, in UTC. */
export function lastWeek(now: number): ReportForm {
  const today = Math.floor(now / dayMs) * dayMs;
  return { from: dayText(today - 7 * dayMs), to: dayText(today - dayMs) };
}

/**
 * Reads what was typed: the first day and the last, both included.
 *
 * @returns The period; or the form, with what is wrong with it.
 */
export function readReportForm(body: unknown): { readonly period: Period } | { readonly form: ReportForm } {
  const { from: typedFrom, to: typedTo } = Object(body) as { readonly from?: unknown; readonly to?: unknown };
  const from = String(typedFrom ?? "").slice(0, 10);
  const to = String(typedTo ?? "").slice(0, 10);
  const [first, last] = [dayIn(from), dayIn(to)];
  const refuse = (problem: string) => ({ form: { from, to, problem } });
  if (first === undefined || last === undefined) return refuse("Enter both days, such as 2026-01-31.");
  if (first > last) return refuse("The first day is after the last day.");
  if (last - first >= longestDays * dayMs) return refuse(`A report can cover ${longestDays} days at most.`);
  return { period: { from: new Date(first).toISOString(), to: new Date(last + dayMs).toISOString() } };
}

function dayIn(text: string): number | undefined {
  const at = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(text) : Number.NaN;
  // Date.parse takes the 31st of February for the 2nd or 3rd of March.
  return Number.isNaN(at) || dayText(at) !== text ? undefined : at;
}

const dayText = (at: number): string => new Date(at).toISOString().slice(0, 10);
