import { ApiFailure } from "../api/api-call.js";
import { fetchReportStatus, type ReportStatus } from "../api/report-jobs.js";
import { type RequestedReport, stateOfReport } from "./requested-reports.js";

/** A report as the list shows it. */
export interface ListedReport extends RequestedReport {
  /** Undefined when Talkdesk did not say. */
  readonly state: ReportStatus["state"] | undefined;
}

/** The list has to appear soon, also when Talkdesk does not say how far the reports are. */
const PATIENCE_MS = 3_000;

/**
 * Fetches the states of the reports that a session has requested, all at the same time. What Talkdesk does not say within
 * three seconds stays open.
 *
 * @throws (rejection) When there is no token, or the API refuses it: the session may be over.
 */
export function listReports(
  fetch: typeof globalThis.fetch,
  requested: readonly RequestedReport[],
): Promise<ListedReport[]> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  return Promise.all(
    requested.map(async (report) => ({ ...report, state: await findState(fetch, report, signal) })),
  );
}

async function findState(
  fetch: typeof globalThis.fetch,
  report: RequestedReport,
  signal: AbortSignal,
): Promise<ListedReport["state"]> {
  try {
    const state = stateOfReport(await fetchReportStatus(fetch, report.id, signal), report);
    return state === "busy" ? undefined : state;
  } catch (error) {
    if (signal.aborted || (error instanceof ApiFailure && error.status !== 401)) return undefined;
    throw error;
  }
}
