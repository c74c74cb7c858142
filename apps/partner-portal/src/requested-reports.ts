import type { SessionData } from "express-session";
import type { Period } from "./reports.js";

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

const kept = 10;

/** Notes a report in the session of who requested it; the last ten are kept. */
export function noteReport(session: Partial<SessionData>, report: RequestedReport): void {
  const others = (session.requestedReports ?? []).filter(({ id }) => id !== report.id);
  session.requestedReports = [report, ...others].slice(0, kept);
}
