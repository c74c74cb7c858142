import { followReport, type ReportWaits } from "./follow-report.js";
import type { ReportStatus } from "./reports.js";
import { TooMuch } from "./session-limits.js";

/** One page that shows a report, and wants to know how far it is. */
interface ReportViewer {
  /** The session that the page belongs to. */
  readonly session: string;
  readonly fetch: typeof globalThis.fetch;
  /** Aborted when the page is left. */
  readonly signal: AbortSignal;
}

/** Follows reports for all who watch them. */
export interface ReportWatches {
  /**
   * Gives each answer about a report until it is ready or gone; ends early when its time is over. The pages of one
   * session that show the same report share its questions, and a page that comes later begins with the last answer.
   *
   * @throws {@link TooMuch} when one session watches too many reports, or has too many pages open.
   */
  watch(viewer: ReportViewer, id: string): AsyncIterable<ReportStatus>;
}

/** How many pages of one session may watch reports, and how many reports. */
const mostPages = 200;
const mostReports = 10;

/** A report that is being followed. Without pages it ends when the next question is due, so that none is asked early. */
interface Watch {
  readonly pages: Map<Inbox, ReportViewer>;
  latest: ReportStatus | undefined;
}

/** What a page has not been told yet. */
interface Inbox {
  readonly statuses: ReportStatus[];
  /** How it has ended; undefined while it has not. */
  end: { readonly error?: unknown } | undefined;
  /** Called when there is news. */
  wake: () => void;
}

/** Makes {@link ReportWatches} that wait so long between two questions. */
export function reportWatches(waits: ReportWaits): ReportWatches {
  const sessions = new Map<string, Map<string, Watch>>();

  async function run(own: Map<string, Watch>, session: string, id: string, watch: Watch): Promise<void> {
    const tell = (change: (inbox: Inbox) => void): void => {
      for (const inbox of watch.pages.keys()) {
        change(inbox);
        inbox.wake();
      }
    };
    // A page that is left takes its wait for a token with it, or gets the refusal instead; then the next one asks.
    const fetch: typeof globalThis.fetch = async (input, init) => {
      for (;;) {
        const [page] = watch.pages.values();
        if (page === undefined) throw new DOMException("Nobody watches the report any more.", "AbortError");
        try {
          const answer = await page.fetch(input, init);
          if (answer.status !== 401 || !page.signal.aborted) return answer;
          await answer.body?.cancel();
        } catch (error) {
          if (!page.signal.aborted) throw error;
        }
      }
    };
    // Nothing stops it from outside: it ends when nobody is there to ask.
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
    if (pages >= mostPages) throw new TooMuch("pages that follow a report", 5);
    const known = own.get(id);
    if (known === undefined && own.size >= mostReports) throw new TooMuch("reports that are followed", 5);
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
