import type { RequestRecord, RequestTarget } from "./request-record.js";

/** What the emulator has received, oldest first: the last 10 000 requests. */
export interface Requests {
  /** A new array each time. */
  readonly all: readonly RequestRecord[];
  /** Gives the requests to one target. A new array each time. */
  to(target: RequestTarget): readonly RequestRecord[];
  /** Forgets all of them. */
  clear(): void;
  /**
   * Waits for a request, past or to come, that satisfies a condition. Each is tried when it arrives and when it ends.
   *
   * Rejects with an Error when none does within `timeoutMs` (milliseconds, default 5000).
   */
  waitFor(
    condition: (record: RequestRecord) => boolean,
    options?: { readonly timeoutMs?: number },
  ): Promise<RequestRecord>;
}

/** The log as the servers see it. */
export interface RequestLog extends Requests {
  add(record: RequestRecord): void;
  /** Says that a request has been answered, cut or given up by its client. */
  ended(record: RequestRecord): void;
}

const targets: readonly RequestTarget[] = [
  "token",
  "authorize",
  "jwks",
  "introspect",
  "api",
  "files",
  "other",
];
const keptRecords = 10_000;

/**
 * Makes an empty log.
 *
 * @param onEnd Called with each request that has ended.
 */
export function requestLog(onEnd?: (record: RequestRecord) => void): RequestLog {
  const records: RequestRecord[] = [];
  const watchers = new Set<(record: RequestRecord) => void>();

  function tell(record: RequestRecord): void {
    for (const watcher of [...watchers]) watcher(record);
  }

  return Object.freeze({
    get all() {
      return [...records];
    },
    to(target) {
      if (!targets.includes(target)) throw new TypeError(`a request target is one of ${targets.join(", ")}`);
      return records.filter((record) => record.to === target);
    },
    clear() {
      records.length = 0;
    },
    waitFor(condition, { timeoutMs = 5000 } = {}) {
      if (typeof condition !== "function")
        throw new TypeError("waitFor needs a function of a request record");
      return new Promise((resolve, reject) => {
        const known = records.find((record) => condition(record));
        if (known !== undefined) {
          resolve(known);
          return;
        }
        const timer = setTimeout(() => {
          watchers.delete(watcher);
          reject(new Error(`no such request within ${timeoutMs} ms (${records.length} others in the log)`));
        }, timeoutMs);
        const watcher = (record: RequestRecord): void => {
          try {
            if (!condition(record)) return;
            resolve(record);
          } catch (error) {
            reject(error);
          }
          clearTimeout(timer);
          watchers.delete(watcher);
        };
        watchers.add(watcher);
      });
    },
    add(record) {
      records.push(record);
      if (records.length > keptRecords) records.shift();
      tell(record);
    },
    ended(record) {
      tell(record);
      onEnd?.(record);
    },
  } satisfies RequestLog);
}
