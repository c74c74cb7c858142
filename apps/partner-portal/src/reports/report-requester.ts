import type { Request } from "express";
import { type Period, requestReport } from "../api/report-jobs.js";
import { limitInPeriod } from "../sessions/session-limits.js";
import { noteReport } from "./requested-reports.js";

/** Requests a report for the signed-in user, notes it in the session, and returns its id. */
export type RequestReportOnce = (request: Request, period: Period) => Promise<string>;

/** Longer than a double click takes, and shorter than it takes to want the same report again. */
const SAME_FORM_MS = 10_000;

/** More than a person needs: each report is work for Talkdesk. */
const MAX_REPORTS = 20;
const PERIOD_MS = 600_000;

/**
 * Makes a {@link RequestReportOnce}: a form that is sent twice within ten seconds, as by a double click, requests one report.
 * It throws `LimitExceeded` when one session requests more than twenty reports in ten minutes.
 */
export function reportRequester(): RequestReportOnce {
  const countReport = limitInPeriod("reports", MAX_REPORTS, PERIOD_MS);
  /** Requests that have not been answered, by session and period. */
  const inFlight = new Map<string, Promise<string>>();

  return async ({ session, sessionID, talkdesk }, period) => {
    const { from, to } = period;
    const earlier = session.requestedReports?.find(
      (report) => report.from === from && report.to === to && Date.now() - report.requestedAt < SAME_FORM_MS,
    );
    if (earlier !== undefined) return earlier.id;

    // A double click aborts the first request and its wait for a token, so each request waits for the token itself.
    await talkdesk.getToken();
    const key = `${sessionID} ${from} ${to}`;
    let requested = inFlight.get(key);
    if (requested === undefined) {
      countReport(sessionID);
      requested = requestReport(talkdesk.fetch, period);
      inFlight.set(key, requested);
    }
    try {
      const id = await requested;
      noteReport(session, { id, from, to, requestedAt: Date.now() });
      return id;
    } finally {
      if (inFlight.get(key) === requested) inFlight.delete(key);
    }
  };
}
