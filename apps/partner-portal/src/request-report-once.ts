import type { Request } from "express";
import { type Period, requestReport } from "./reports.js";
import { noteReport } from "./requested-reports.js";
import { limitInPeriod } from "./session-limits.js";

/** Has a report made for who sent a request, notes it in the session, and gives its id. */
export type RequestOnce = (request: Request, period: Period) => Promise<string>;

const sameMs = 10_000;

/** How many reports one session may request in ten minutes. */
const mostReports = 20;
const periodMs = 600_000;

/**
 * Makes a {@link RequestOnce}: a form that is sent twice in ten seconds, as by a double click, has one report made. It
 * throws `TooMuch` when one session requests more than twenty in ten minutes.
 */
export function requestReportOnce(): RequestOnce {
  const countReport = limitInPeriod("reports", mostReports, periodMs);
  /** By session and period. */
  const underway = new Map<string, Promise<string>>();

  return async ({ session, sessionID, talkdesk }, period) => {
    const { from, to } = period;
    const earlier = session.requestedReports?.find(
      (report) => report.from === from && report.to === to && Date.now() - report.requestedAt < sameMs,
    );
    if (earlier !== undefined) return earlier.id;

    // A double click cuts the first request, and its wait for a token with it: each waits for itself.
    await talkdesk.getToken();
    const key = `${sessionID} ${from} ${to}`;
    let requested = underway.get(key);
    if (requested === undefined) {
      countReport(sessionID);
      requested = requestReport(talkdesk.fetch, period);
      underway.set(key, requested);
    }
    try {
      const id = await requested;
      noteReport(session, { id, from, to, requestedAt: Date.now() });
      return id;
    } finally {
      if (underway.get(key) === requested) underway.delete(key);
    }
  };
}
