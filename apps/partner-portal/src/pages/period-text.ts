import type { Period } from "../reports.js";

const days = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "long",
  year: "numeric",
  timeZone: "UTC",
});

/** A period for people: its first and its last day. */
export function periodText({ from, to }: Period): string {
  const first = new Date(from);
  // The end is not included.
  const last = new Date(Math.max(first.getTime(), Date.parse(to) - 1));
  return days.formatRange(first, last);
}
