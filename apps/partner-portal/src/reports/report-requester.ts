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

/** A request for a report. */
interface ReportRequest {
  readonly id: Promise<string>;
  /** Epoch milliseconds; undefined before the answer. */
  answeredAt?: number;
}

/**
 * Makes a {@link RequestReportOnce}: a form that is sent twice within ten seconds, as by a double click, requests one report.
 * It throws `LimitExceeded` when one session requests more than twenty reports in ten minutes.
 */
export function reportRequester(): RequestReportOnce {
  const countReport = limitInPeriod("reports", MAX_REPORTS, PERIOD_MS);
  /**
   * By session and period. Requests stay here after their answer, because the second form of a double click may have read
   * its session before the first form noted its report there.
   */
  const recent = new Map<string, ReportRequest>();

  function start(key: string, requesting: Promise<string>): ReportRequest {
    const request: ReportRequest = { id: requesting };
    recent.set(key, request);
    requesting.then(
      () => {
        request.answeredAt = Date.now();
      },
      () => recent.delete(key),
    );
    return request;
  }

  return async ({ session, sessionID, talkdesk }, period) => {
    const { from, to } = period;
    const earlier = session.requestedReports?.find(
      (report) => report.from === from && report.to === to && isRecent(report.requestedAt),
    );
    if (earlier !== undefined) return earlier.id;

    // A double click aborts the first request and its wait for a token, so each request waits for the token itself.
    await talkdesk.getToken();
    for (const [key, { answeredAt }] of recent) {
      if (answeredAt !== undefined && !isRecent(answeredAt)) recent.delete(key);
    }
    const key = `${sessionID} ${from} ${to}`;
    let request = recent.get(key);
    if (request === undefined) {
      countReport(sessionID);
      request = start(key, requestReport(talkdesk.fetch, period));
    }
    const id = await request.id;
    noteReport(session, { id, from, to, requestedAt: request.answeredAt ?? Date.now() });
    return id;
  };
}

function isRecent(at: number): boolean {
  return Date.now() - at < SAME_FORM_MS;
}
