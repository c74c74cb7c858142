import type { SessionData } from "express-session";
import type { Period, ReportStatus } from "../api/report-jobs.js";

/** A report that was requested in this session. */
export interface RequestedReport extends Period {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly requestedAt: number;
}

declare module "express-session" {
  interface SessionData {
    /** The latest first. */
    requestedReports?: readonly RequestedReport[];
  }
}

/**
 * The state of a report for this session.
 *
 * @param requested Undefined when this session did not request the report.
 */
export function stateOfReport(
  { state }: ReportStatus,
  requested: RequestedReport | undefined,
): ReportStatus["state"] {
  // Talkdesk had every report that was requested here.
  return state === "unknown" && requested !== undefined ? "gone" : state;
}

/** As many as fit on one screen; a session should stay small. */
const MAX_REPORTS = 10;

/** Notes a report in a session, which keeps the last ten. */
export function noteReport(session: Partial<SessionData>, report: RequestedReport): void {
  const others = (session.requestedReports ?? []).filter(({ id }) => id !== report.id);
  session.requestedReports = [report, ...others].slice(0, MAX_REPORTS);
}
