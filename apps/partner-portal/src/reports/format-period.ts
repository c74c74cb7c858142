import type { Period } from "../api/report-jobs.js";

const DAYS = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** Formats a period for people: its first and its last day. */
export function formatPeriod({ from, to }: Period): string {
  const first = new Date(from);
  // `to` is not included.
  const last = new Date(Math.max(first.getTime(), Date.parse(to) - 1));
  return DAYS.formatRange(first, last);
}
