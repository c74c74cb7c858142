import type { StoredToken, StoreLock, TokenStore } from "./token-store.js";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * The most records that are kept. One more evicts the record that was read or written longest ago and is not locked;
   * records that have expired go first. An evicted session is a user who must log in again, so give more than there
   * are sessions at a time. Default: no limit, for records that somebody deletes or that expire.
   */
  readonly maxEntries?: number | undefined;
}

interface Entry extends StoredToken {
  readonly expiresAt: number;
  /** No fence below this one may write. */
  readonly fence: number;
}

interface Holding {
  readonly fence: number;
  /** By the monotonic clock: both sides of a lock are in this process, so no step of the wall clock may end one. */
  readonly until: number;
}

/** As many as this are never looked through for what has expired. */
const SWEEP_FROM = 64;

/**
 * A store in the memory of this process, for tests, and for programs of one process that may forget all of it.
 * Safe to share; every call takes effect at once, in the order of the calls.
 *
 * @throws TypeError at once, for a `maxEntries` that cannot be used; as a rejection, for arguments that cannot.
 */
export function memoryStore(options: MemoryStoreOptions = {}): TokenStore {
  const { maxEntries } = options;
  if (maxEntries !== undefined && (!Number.isSafeInteger(maxEntries) || maxEntries < 1)) {
    throw new TypeError("maxEntries must be a whole number above 0.");
  }
  const limit = maxEntries ?? Number.POSITIVE_INFINITY;

  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  const holdings = new Map<string, Holding>();
  let lastVersion = 0;
  let lastFence = 0;
  /** The latest fence of all records that are gone: what may have written to a key of which nothing is kept. */
  let forgottenFence = 0;
  let sweepEntriesAt = SWEEP_FROM;
  let sweepHoldingsAt = SWEEP_FROM;
  /** No record expires before. */
  let nextExpiry = Number.POSITIVE_INFINITY;

  function entryOf(key: string): Entry | undefined {
    const entry = entries.get(key);
    if (entry === undefined || Date.now() < entry.expiresAt) return entry;
    forget(key, entry);
    return undefined;
  }

  function put(key: string, entry: Entry): void {
    entries.delete(key);
    entries.set(key, entry);
  }

  function forget(key: string, { fence }: Entry): void {
    forgottenFence = Math.max(forgottenFence, fence);
    entries.delete(key);
  }

  const isHeld = (holding: Holding | undefined): boolean =>
    holding !== undefined && performance.now() < holding.until;

  /**
   * Refuses a fence when a later one has written, or may have. The latter only where nothing tells: the record is gone,
   * and so is the lock.
   */
  function isOutrun(key: string, fence: number): boolean {
    return holdings.get(key)?.fence !== fence && fence < (entries.get(key)?.fence ?? forgottenFence);
  }

  function makeRoom(): void {
    if (entries.size < Math.min(limit, sweepEntriesAt)) return;
    if (nextExpiry <= Date.now()) forgetExpired();
    sweepEntriesAt = Math.max(SWEEP_FROM, 2 * entries.size);
    for (const [key, entry] of entries) {
      if (entries.size < limit) break;
      if (!isHeld(holdings.get(key))) forget(key, entry);
    }
  }

  function forgetExpired(): void {
    nextExpiry = Number.POSITIVE_INFINITY;
    for (const key of entries.keys()) {
      nextExpiry = Math.min(nextExpiry, entryOf(key)?.expiresAt ?? Number.POSITIVE_INFINITY);
    }
  }

  return Object.freeze<TokenStore>({
    async read(key) {
      checkKey(key);
      const entry = entryOf(key);
      if (entry === undefined) return undefined;
      put(key, entry);
      return { value: entry.value, version: entry.version };
    },

    async write(key, value, { expectedVersion, fence, expiresAt = Number.POSITIVE_INFINITY }) {
      checkKey(key);
      if (typeof value !== "string") throw new TypeError("value must be a string.");
      if (!Number.isFinite(expectedVersion) || expectedVersion < 0) {
        throw new TypeError("expectedVersion must be the version of a record, or 0.");
      }
      if (fence !== undefined && !Number.isFinite(fence)) {
        throw new TypeError("fence must be that of a lock.");
      }
      if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
        throw new TypeError("expiresAt must be a number of milliseconds since 1970.");
      }
      const entry = entryOf(key);
      if (expectedVersion !== (entry?.version ?? 0)) return undefined;
      if (fence !== undefined && isOutrun(key, fence)) return undefined;
      if (entry === undefined) makeRoom();
      nextExpiry = Math.min(nextExpiry, expiresAt);
      lastVersion += 1;
      // A key that had a record before goes on with what may have written it.
      const earlier = entry?.fence ?? forgottenFence;
      put(key, { value, version: lastVersion, expiresAt, fence: Math.max(earlier, fence ?? 0) });
      return lastVersion;
    },

    async delete(key) {
      checkKey(key);
      const entry = entries.get(key);
      if (entry !== undefined) forget(key, entry);
    },

    async lock(key, { ttlMs, signal }) {
      checkKey(key);
      checkTtl(ttlMs);
      signal?.throwIfAborted();
      if (isHeld(holdings.get(key))) return undefined;
      if (holdings.size >= sweepHoldingsAt) {
        for (const [held, holding] of holdings) if (!isHeld(holding)) holdings.delete(held);
        sweepHoldingsAt = Math.max(SWEEP_FROM, 2 * holdings.size);
      }
      lastFence += 1;
      const fence = lastFence;
      holdings.set(key, { fence, until: performance.now() + ttlMs });
      return Object.freeze<StoreLock>({
        fence,
        async extend(extendedMs) {
          checkTtl(extendedMs);
          const holding = holdings.get(key);
          if (holding?.fence !== fence || !isHeld(holding)) return false;
          holdings.set(key, { fence, until: performance.now() + extendedMs });
          return true;
        },
        async release() {
          if (holdings.get(key)?.fence === fence) holdings.delete(key);
        },
      });
    },
  });
}

function checkTtl(ttlMs: unknown): void {
  if (!Number.isFinite(ttlMs) || (ttlMs as number) <= 0) {
    throw new TypeError("ttlMs must be a number of milliseconds above 0.");
  }
}

function checkKey(key: unknown): void {
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty.");
  }
}
