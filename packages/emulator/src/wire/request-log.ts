import type { ReceivedBody } from "../message/received-body.js";
import type { RequestRecord, RequestTarget } from "../message/request-record.js";

/** What the emulator has received, oldest first: the last 10 000 requests, or fewer where their headers are long. */
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
  add(record: RequestRecord, body: ReceivedBody): void;
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
/** How many characters the addresses and headers of all requests may have. */
const keptCharacters = 2 ** 25;

/**
 * Makes an empty log.
 *
 * @param onEnd Called with each request that has ended.
 */
export function requestLog(onEnd?: (record: RequestRecord) => void): RequestLog {
  let entries: { readonly record: RequestRecord; readonly body: ReceivedBody; readonly size: number }[] = [];
  let characters = 0;
  const watchers = new Set<(record: RequestRecord) => void>();

  function tell(record: RequestRecord): void {
    for (const watcher of [...watchers]) watcher(record);
  }

  return Object.freeze({
    get all() {
      return entries.map(({ record }) => record);
    },
    to(target) {
      if (!targets.includes(target))
        throw new TypeError(`a request target must be one of ${targets.join(", ")}`);
      return entries.map(({ record }) => record).filter(({ to }) => to === target);
    },
    clear() {
      for (const { body } of entries) body.disown();
      entries = [];
      characters = 0;
    },
    waitFor(condition, { timeoutMs = 5000 } = {}) {
      if (typeof condition !== "function")
        throw new TypeError("waitFor needs a function of a request record");
      return new Promise((resolve, reject) => {
        const known = entries.find(({ record }) => condition(record));
        if (known !== undefined) {
          resolve(known.record);
          return;
        }
        const timer = setTimeout(() => {
          watchers.delete(watcher);
          reject(new Error(`no such request within ${timeoutMs} ms (${entries.length} others in the log)`));
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
    add(record, body) {
      const size = sizeOf(record);
      entries.push({ record, body, size });
      characters += size;
      while (entries.length > keptRecords || characters > keptCharacters) {
        const oldest = entries.shift();
        oldest?.body.disown();
        characters -= oldest?.size ?? 0;
      }
      tell(record);
    },
    ended(record) {
      tell(record);
      onEnd?.(record);
    },
  } satisfies RequestLog);
}

/** Headers are kept twice, as received and by name. */
function sizeOf({ url, rawHeaders }: RequestRecord): number {
  return rawHeaders.reduce((size, text) => size + 2 * text.length, url.length);
}
