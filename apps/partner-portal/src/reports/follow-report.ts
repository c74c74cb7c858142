import { setTimeout as delay } from "node:timers/promises";
import { fetchReportStatus, isOpen, type ReportStatus } from "../api/report-jobs.js";

/** How long to wait between two requests for the progress of a report, in milliseconds. */
export interface ReportWaits {
  readonly firstMs: number;
  /** The longest wait, unless Talkdesk asks for a longer one. */
  readonly longestMs: number;
  /** How long to follow the report, waits included. */
  readonly totalMs: number;
}

/** Options of {@link followReport}. */
export interface FollowOptions {
  readonly waits: ReportWaits;
  /** Stops following, with a rejection. */
  readonly signal: AbortSignal;
}

/** Each wait is this much longer than the one before. */
const GROWTH = 1.3;

/** Yields the progress of a report until the report is ready or does not exist, or `totalMs` is over. */
export async function* followReport(
  fetch: typeof globalThis.fetch,
  id: string,
  { waits, signal }: FollowOptions,
): AsyncGenerator<ReportStatus, void> {
  const startedAt = performance.now();
  for (let next = waits.firstMs; ; next = Math.min(next * GROWTH, waits.longestMs)) {
    const status = await fetchReportStatus(fetch, id, signal);
    yield status;
    if (!isOpen(status)) return;
    const ms = Math.max(next, (status.retryAfterSeconds ?? 0) * 1_000);
    const leftMs = Math.max(0, startedAt + waits.totalMs - performance.now());
    // Also before the end: a page that follows again at once would ask too early.
    await delay(Math.min(ms, leftMs), undefined, { signal, ref: false });
    if (ms > leftMs) return;
  }
}
