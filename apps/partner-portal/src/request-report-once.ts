import type { Request } from "express";
import { type Period, requestReport } from "./reports.js";
import { noteReport } from "./requested-reports.js";

/** Has a report made for who sent a request, notes it in the session, and gives its id. */
export type RequestOnce = (request: Request, period: Period) => Promise<string>;

const sameMs = 10_000;

/** Makes a {@link RequestOnce}: a form that is sent twice in ten seconds, as by a double click, has one report made. */
export function requestReportOnce(): RequestOnce {
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
    const requested = underway.get(key) ?? requestReport(talkdesk.fetch, period);
    underway.set(key, requested);
    try {
      const id = await requested;
      noteReport(session, { id, from, to, requestedAt: Date.now() });
      return id;
    } finally {
      if (underway.get(key) === requested) underway.delete(key);
    }
  };
}
