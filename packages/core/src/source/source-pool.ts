import { TalkdeskError } from "../base/errors.js";
import { onAbort } from "../base/shared-abort.js";
import {
  type ClosableTokenSource,
  sourceAddresses,
  type TokenRequest,
  type TokenSource,
} from "../token/token-source.js";

/** Options of {@link sourcePool}. */
export interface SourcePoolOptions {
  /**
   * How many sources stay open while nobody waits on them. One more closes the one that was used longest ago. Sources
   * that somebody waits on are never closed for room, and do not count. A whole number above 0. Default: 1 000.
   */
  readonly maxIdle?: number | undefined;
}

/** Token sources by key, opened on demand. */
export interface SourcePool {
  /**
   * Resolves to the source of a key, and opens it if necessary: once, however many callers ask at the same time. An
   * `open` that failed is tried again by the next call.
   *
   * Keep the source for as long as you like. When the pool has closed the one behind it, the next `getToken` opens it
   * again, and passes on `rejected`, `minimumLifetimeMs` and `signal` as always. `api`, `tokenEndpoint` and `identity`
   * never change: should `open` give a source with others by then, `getToken` rejects, so that no token is sent to an
   * address that it was not issued for.
   *
   * @throws
   * - TypeError (rejection): the key is not a string, or is empty; `open` gave something else than a source.
   * - TalkdeskError (rejection) `source_closed`: the key was closed while it was being opened, or the pool was closed.
   *   `getToken` rejects with it as well, also for a source that has moved to other addresses.
   * - Whatever `open` throws (rejection).
   */
  get(key: string): Promise<TokenSource>;
  /**
   * Closes the source of a key, and resolves when that is done. Callers that wait on it get `source_closed`; a later
   * `get` or `getToken` opens the key again, with new credentials for example. An `open` that is under way is waited for,
   * and what it gives is closed at once.
   *
   * Without a key it closes all sources and the pool itself: every later `get` and `getToken` rejects with
   * `source_closed`. Idempotent.
   *
   * @throws
   * - TypeError (rejection): a key was given that is not a string, `undefined` included, or is empty.
   * - The error of a source that could not be closed (rejection). All others are closed nevertheless.
   */
  close(key?: string): Promise<void>;
}

const DEFAULT_MAX_IDLE = 1_000;

interface Entry {
  /** Settles as `open` does, or rejects with `source_closed` when the entry is closed before that. */
  readonly source: Promise<ClosableTokenSource>;
  /** Present once it is open, so that a call need not wait, nor listen to its signal. */
  opened?: ClosableTokenSource;
  /** How many callers wait for the source or for its token. */
  waiting: number;
  /** Closes the source, as soon as it is open. */
  close(): Promise<void>;
}

/**
 * Keeps one source for each key, for programs that serve many accounts, installations or users.
 *
 * `open` is called when a key is first asked for, and again after its source was closed. Give user sessions a shared
 * `store`, so that closing a source for room loses nothing. Memory is bounded by `maxIdle` and by the callers that
 * wait, not by the number of keys. A source that is being closed may overlap with the next one of its key, as the
 * sources of two processes may.
 *
 * @param open Gives the source of a key. The pool closes it.
 * @throws
 * - TypeError at once: `open` is not a function, or `maxIdle` is not a whole number above 0.
 * @example
 * const authentication = clientSecretBasic({ clientId: "…", clientSecret: () => readSecret("talkdesk") });
 * const accounts = sourcePool((account) =>
 *   clientCredentials(talkdeskClient({ account, region: "eu", authentication })),
 * );
 * const source = await accounts.get("acme");
 * const token = await source.getToken();
 */
export function sourcePool(
  open: (key: string) => ClosableTokenSource | Promise<ClosableTokenSource>,
  options: SourcePoolOptions = {},
): SourcePool {
  if (typeof open !== "function") {
    throw new TypeError("open must be a function that gives the source of a key.");
  }
  const { maxIdle = DEFAULT_MAX_IDLE } = options;
  if (!Number.isSafeInteger(maxIdle) || maxIdle < 1) {
    throw new TypeError("maxIdle must be a whole number above 0.");
  }
  const entries = new Map<string, Entry>();
  /** The keys of entries that nobody waits on, least recently used first. */
  const idle = new Set<string>();
  /** Sources that are being closed, with their keys. */
  const closing = new Map<Promise<void>, string>();
  let isClosed = false;

  function openEntry(key: string): Entry {
    // In a later turn, when the key has its entry: `open` may ask the pool itself.
    const opening = Promise.resolve().then(async () => checkSource(await open(key)));
    let reject: (reason: unknown) => void = () => {};
    const closed = new Promise<never>((_, rejectClosed) => {
      reject = rejectClosed;
    });
    const entry: Entry = {
      source: Promise.race([opening, closed]),
      waiting: 0,
      async close() {
        reject(new TalkdeskError("source_closed", "The source of this key was closed."));
        const source = await opening.catch(() => undefined);
        await source?.close();
      },
    };
    entries.set(key, entry);
    entry.source.then(
      (source) => {
        entry.opened = source;
      },
      () => {
        if (entries.get(key) === entry) remove(key);
      },
    );
    return entry;
  }

  function remove(key: string): void {
    entries.delete(key);
    idle.delete(key);
  }

  function closeEntry(key: string, entry: Entry): Promise<void> {
    remove(key);
    const done = entry.close().finally(() => closing.delete(done));
    closing.set(done, key);
    return done;
  }

  function closeIdle(): void {
    for (const key of idle) {
      if (idle.size <= maxIdle) return;
      // No caller waits for this, so the error cannot be passed on.
      closeEntry(key, entries.get(key) as Entry).catch(() => {});
    }
  }

  /** Works with the source of a key, which is not closed for room meanwhile. */
  async function use<T>(
    key: string,
    signal: AbortSignal | undefined,
    work: (source: ClosableTokenSource) => T | Promise<T>,
  ): Promise<T> {
    if (isClosed) throw new TalkdeskError("source_closed", "This pool of token sources was closed.");
    const entry = entries.get(key) ?? openEntry(key);
    entry.waiting += 1;
    idle.delete(key);
    try {
      return await work(entry.opened ?? (await unlessAborted(entry.source, signal)));
    } finally {
      entry.waiting -= 1;
      if (entry.waiting === 0 && entries.get(key) === entry) {
        idle.add(key);
        closeIdle();
      }
    }
  }

  /**
   * The source that a caller gets. It holds no reference to the source behind it, so a closed one can be
   * garbage-collected.
   */
  function handle(key: string, addresses: Addresses): TokenSource {
    return Object.freeze({
      ...addresses,
      getToken(request?: TokenRequest) {
        const signal = request?.signal;
        if (signal?.aborted) return Promise.reject(signal.reason);
        return use(key, signal, (source) => {
          if (!isSame(source, addresses)) {
            throw new TalkdeskError(
              "source_closed",
              "The source of this key has moved to another client or region; get it from the pool again.",
            );
          }
          return source.getToken(request);
        });
      },
    });
  }

  return Object.freeze<SourcePool>({
    async get(key) {
      checkKey(key);
      return use(key, undefined, (source) => handle(key, sourceAddresses(source)));
    },
    async close(...keys: readonly (string | undefined)[]) {
      // Not `key === undefined`: a caller whose key is missing must not close everybody's source.
      for (const key of keys) checkKey(key);
      if (keys.length === 0) isClosed = true;
      const isMeant = (key: string): boolean => keys.length === 0 || keys.includes(key);
      for (const [key, entry] of entries) if (isMeant(key)) closeEntry(key, entry).catch(() => {});
      const ends = [...closing].filter(([, key]) => isMeant(key)).map(([end]) => end);
      const failed = (await Promise.allSettled(ends)).find((end) => end.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    },
  });
}

function checkKey(key: unknown): void {
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty: one key of a pool is one source.");
  }
}

type Addresses = Pick<TokenSource, "api" | "tokenEndpoint" | "identity">;

const isSame = (one: Addresses, other: Addresses): boolean =>
  one.api === other.api && one.tokenEndpoint === other.tokenEndpoint && one.identity === other.identity;

function checkSource(source: unknown): ClosableTokenSource {
  const { api, getToken, close } = Object(source) as Partial<ClosableTokenSource>;
  if (typeof api !== "string" || typeof getToken !== "function" || typeof close !== "function") {
    throw new TypeError("open must give a source with close(), such as clientCredentials() gives.");
  }
  return source as ClosableTokenSource;
}

/** Settles as `work` does, or rejects with the signal's reason before. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    work.then(resolve, reject).finally(stopListening);
  });
}
