import type { ReportStatus } from "../api/report-jobs.js";
import { LimitExceeded, RETRY_SECONDS } from "../sessions/session-limits.js";
import { followReport, type ReportWaits } from "./follow-report.js";

/** A page that follows a report. */
interface ReportViewer {
  /** The id of the session of the page. */
  readonly session: string;
  readonly fetch: typeof globalThis.fetch;
  /** Aborts when the person leaves the page. */
  readonly signal: AbortSignal;
}

/** Follows reports for all pages that show them. */
export interface ReportWatches {
  /**
   * Yields the progress of a report until the report is ready or does not exist, or its time is over. Pages of one session that
   * show the same report share the requests to Talkdesk. A page that opens later begins with the latest status.
   *
   * @throws {@link LimitExceeded} when one session follows too many reports, or has too many pages open.
   */
  watch(viewer: ReportViewer, id: string): AsyncIterable<ReportStatus>;
}

/** Open pages of one session that follow reports: more than a person has, and few enough to keep in memory. */
const MAX_PAGES = 200;

/** Reports that one session follows at the same time: each costs a request every few seconds. */
const MAX_REPORTS = 10;

/** A report that is followed. After its last page has closed, it ends when the next request is due, and not earlier: a page
 * that opens meanwhile must not cause an early request. */
interface Watch {
  readonly pages: Map<Inbox, ReportViewer>;
  latest: ReportStatus | undefined;
}

/** News that a page has not read yet. */
interface Inbox {
  readonly statuses: ReportStatus[];
  /** How following ended; undefined while it goes on. */
  end: { readonly error?: unknown } | undefined;
  /** Wakes the page that waits for news. */
  wake: () => void;
}

/** Makes {@link ReportWatches}. */
export function reportWatches(waits: ReportWaits): ReportWatches {
  const sessions = new Map<string, Map<string, Watch>>();

  async function run(own: Map<string, Watch>, session: string, id: string, watch: Watch): Promise<void> {
    const tell = (change: (inbox: Inbox) => void): void => {
      for (const inbox of watch.pages.keys()) {
        change(inbox);
        inbox.wake();
      }
    };
    // When a page closes, its wait for a token aborts, or its request ends in the 401. Then the next page asks.
    const fetch: typeof globalThis.fetch = async (input, init) => {
      for (;;) {
        const [page] = watch.pages.values();
        if (page === undefined) throw new DOMException("No page follows the report any more.", "AbortError");
        try {
          const answer = await page.fetch(input, init);
          if (answer.status !== 401 || !page.signal.aborted) return answer;
          await answer.body?.cancel();
        } catch (error) {
          if (!page.signal.aborted) throw error;
        }
      }
    };
    // Never aborts: following ends by itself when no page is open.
    const { signal } = new AbortController();
    let end: Inbox["end"] = {};
    try {
      for await (const status of followReport(fetch, id, { waits, signal })) {
        watch.latest = status;
        tell(({ statuses }) => statuses.push(status));
      }
    } catch (error) {
      end = { error };
    }
    own.delete(id);
    if (own.size === 0) sessions.delete(session);
    tell((inbox) => {
      inbox.end = end;
    });
  }

  function join(viewer: ReportViewer, id: string): { readonly watch: Watch; readonly inbox: Inbox } {
    const { session } = viewer;
    const own = sessions.get(session) ?? new Map<string, Watch>();
    const pages = [...own.values()].reduce((sum, watch) => sum + watch.pages.size, 0);
    if (pages >= MAX_PAGES) throw new LimitExceeded("report pages", RETRY_SECONDS);
    const known = own.get(id);
    if (known === undefined && own.size >= MAX_REPORTS)
      throw new LimitExceeded("reports at the same time", RETRY_SECONDS);
    const watch = known ?? { pages: new Map(), latest: undefined };
    const inbox: Inbox = {
      statuses: watch.latest === undefined ? [] : [watch.latest],
      end: undefined,
      wake: () => undefined,
    };
    watch.pages.set(inbox, viewer);
    if (known === undefined) {
      sessions.set(session, own.set(id, watch));
      void run(own, session, id, watch);
    }
    return { watch, inbox };
  }

  return {
    async *watch(viewer, id) {
      const { signal } = viewer;
      signal.throwIfAborted();
      const { watch, inbox } = join(viewer, id);
      const leave = (): void => {
        watch.pages.delete(inbox);
        inbox.wake();
      };
      signal.addEventListener("abort", leave, { once: true });
      try {
        for (;;) {
          const status = inbox.statuses.shift();
          if (status !== undefined) yield status;
          else if (signal.aborted) throw signal.reason;
          else if (inbox.end === undefined) {
            await new Promise<void>((resolve) => {
              inbox.wake = resolve;
            });
          } else if ("error" in inbox.end) throw inbox.end.error;
          else return;
        }
      } finally {
        signal.removeEventListener("abort", leave);
        leave();
      }
    },
  };
}
