import type { StoredToken, StoreLock, TokenStore } from "./token-store.js";

/** Options of {@link memoryStore}. */
export interface MemoryStoreOptions {
  /**
   * How many records are kept. One more evicts expired records, or else the record that was read or written longest ago
   * and is not locked. A user whose session is evicted must log in again, so allow more records than there are sessions
   * at a time. Default: no limit.
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
  /** By the monotonic clock, so that a step of the wall clock ends no lock. All its users are in this process. */
  readonly until: number;
}

/** With fewer entries than this, looking for expired ones is not worth the time. */
const SWEEP_FROM = 64;

/**
 * Makes a store in the memory of this process, for tests, and for single processes that may lose their sessions at a
 * restart. Safe to share. Every call takes effect at once, in the order of the calls.
 *
 * @throws
 * - TypeError at once: `maxEntries` is not a whole number above 0.
 * - TypeError (rejection of the store's functions): an argument that cannot be used.
 * @example
 * const store = memoryStore({ maxEntries: 10_000 });
 * const session = userSession(client, { store, key: crypto.randomUUID(), token });
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
  /** The highest fence of all removed records. It may have written to any key that has no record now. */
  let forgottenFence = 0;
  let sweepEntriesAt = SWEEP_FROM;
  let sweepHoldingsAt = SWEEP_FROM;
  /** No record expires before this time. */
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
   * Whether a later fence has written to the key, or may have. The latter is assumed only when both the record and the
   * lock are gone.
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
        throw new TypeError("fence must be the fence of a lock.");
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
      // A removed record may have been written with any fence up to this one.
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
