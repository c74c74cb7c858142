import type { ReceivedBody } from "../message/received-body.js";
import type { RequestRecord, RequestTarget } from "../message/request-record.js";

/** The requests that the emulator has received, oldest first: the last 10 000, or fewer when their headers are long. */
export interface Requests {
  /** A new array each time. */
  readonly all: readonly RequestRecord[];
  /**
   * Gives the requests to one target. A new array each time.
   *
   * @throws TypeError when the target does not exist.
   * @example
   * const statuses = talkdesk.requests.to("token").map(({ status }) => status);
   */
  to(target: RequestTarget): readonly RequestRecord[];
  /** Forgets all requests. */
  clear(): void;
  /**
   * Waits for a request that satisfies a condition. The requests in the log are tried first; then each request is tried
   * when it has arrived and again when it has ended.
   *
   * @param options `timeoutMs` is the longest wait, in milliseconds. Default: 5000.
   * @throws
   * - TypeError at once, when the condition is not a function.
   * - Error (rejection) when no request satisfies the condition in time.
   * - What the condition throws (rejection).
   * @example
   * await talkdesk.requests.waitFor(({ to, status }) => to === "api" && status === 401);
   */
  waitFor(
    condition: (record: RequestRecord) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<RequestRecord>;
}

/** The log as the servers see it. */
export interface RequestLog extends Requests {
  add(record: RequestRecord, body: ReceivedBody): void;
  /** Call this when a request has been answered, was cut by a fault, or was given up by its client. */
  noteEnd(record: RequestRecord): void;
}

const DEFAULT_TIMEOUT_MS = 5000;

const TARGETS: readonly RequestTarget[] = [
  "token",
  "authorize",
  "jwks",
  "introspect",
  "session",
  "api",
  "files",
  "other",
];
// More than a test looks at; an emulator that runs for days must not keep all.
const MAX_RECORDS = 10_000;
// All URLs and headers in the log may have this many characters, so that they cannot fill the memory.
const MAX_CHARACTERS = 32 * 2 ** 20;

/**
 * Makes an empty log.
 *
 * @param onEnd Called with each request when it has ended.
 */
export function makeRequestLog(onEnd?: (record: RequestRecord) => void): RequestLog {
  let entries: { readonly record: RequestRecord; readonly body: ReceivedBody; readonly size: number }[] = [];
  let characters = 0;
  const listeners = new Set<(record: RequestRecord) => void>();

  function notify(record: RequestRecord): void {
    for (const listener of [...listeners]) listener(record);
  }

  return Object.freeze({
    get all() {
      return entries.map(({ record }) => record);
    },
    to(target) {
      if (!TARGETS.includes(target)) throw new TypeError(`target must be one of ${TARGETS.join(", ")}.`);
      return entries.map(({ record }) => record).filter(({ to }) => to === target);
    },
    clear() {
      for (const { body } of entries) body.disown();
      entries = [];
      characters = 0;
    },
    waitFor(condition, { timeoutMs = DEFAULT_TIMEOUT_MS } = {}) {
      if (typeof condition !== "function")
        throw new TypeError("condition must be a function of a request record.");
      return new Promise((resolve, reject) => {
        const known = entries.find(({ record }) => condition(record));
        if (known !== undefined) {
          resolve(known.record);
          return;
        }
        const timer = setTimeout(() => {
          listeners.delete(listener);
          reject(
            new Error(
              `No request satisfied the condition within ${timeoutMs} ms; the log has ${entries.length} others.`,
            ),
          );
        }, timeoutMs);
        const listener = (record: RequestRecord): void => {
          try {
            if (!condition(record)) return;
            resolve(record);
          } catch (error) {
            reject(error);
          }
          clearTimeout(timer);
          listeners.delete(listener);
        };
        listeners.add(listener);
      });
    },
    add(record, body) {
      const size = measure(record);
      entries.push({ record, body, size });
      characters += size;
      while (entries.length > MAX_RECORDS || characters > MAX_CHARACTERS) {
        const oldest = entries.shift();
        oldest?.body.disown();
        characters -= oldest?.size ?? 0;
      }
      notify(record);
    },
    noteEnd(record) {
      notify(record);
      onEnd?.(record);
    },
  } satisfies RequestLog);
}

/** Counts headers twice, since they are kept as received and by name. */
function measure({ url, rawHeaders }: RequestRecord): number {
  return rawHeaders.reduce((size, text) => size + 2 * text.length, url.length);
}
