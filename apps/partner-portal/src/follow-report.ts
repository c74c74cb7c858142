import { setTimeout as delay } from "node:timers/promises";
import { askForReport, type ReportStatus } from "./reports.js";

/** How long to wait between two questions for a report. All in milliseconds. */
export interface ReportWaits {
  readonly firstMs: number;
  /** No wait is longer, unless Talkdesk asks for one that is. */
  readonly longestMs: number;
  /** How long to go on, with what happens between the waits. */
  readonly totalMs: number;
}

/** What following a report takes. */
export interface FollowOptions {
  readonly waits: ReportWaits;
  /** Ends it, with a rejection. */
  readonly signal: AbortSignal;
}

const growth = 1.3;

/** Asks for a report until it is ready or gone, politely, and gives each answer; ends early when `totalMs` is over. */
export async function* followReport(
  fetch: typeof globalThis.fetch,
  id: string,
  { waits, signal }: FollowOptions,
): AsyncGenerator<ReportStatus, void> {
  const startedAt = performance.now();
  for (let next = waits.firstMs; ; next = Math.min(next * growth, waits.longestMs)) {
    const status = await askForReport(fetch, id, signal);
    yield status;
    if (status.state === "ready" || status.state === "gone") return;
    const ms = Math.max(next, (status.retryAfterSeconds ?? 0) * 1_000);
    const leftMs = Math.max(0, startedAt + waits.totalMs - performance.now());
    // Even at the end: whoever follows again at once would ask too early.
    await delay(Math.min(ms, leftMs), undefined, { signal, ref: false });
    if (ms > leftMs) return;
  }
}
