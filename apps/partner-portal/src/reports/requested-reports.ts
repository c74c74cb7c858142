import type { SessionData } from "express-session";
import type { Period } from "../api/report-jobs.js";

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

/** As many as fit on one screen; a session should stay small. */
const MAX_REPORTS = 10;

/** Notes a report in a session, which keeps the last ten. */
export function noteReport(session: Partial<SessionData>, report: RequestedReport): void {
  const others = (session.requestedReports ?? []).filter(({ id }) => id !== report.id);
  session.requestedReports = [report, ...others].slice(0, MAX_REPORTS);
}
