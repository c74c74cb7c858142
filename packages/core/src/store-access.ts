import type { AccessToken } from "./access-token.js";
import { type Clock, elapsedSince, type Instant } from "./clock.js";
import type { Deadline } from "./deadline.js";
import { isTalkdeskError, reducedCause, TalkdeskError } from "./errors.js";
import { hardMarginMs, type TokenAnswer, type TokenCallContext } from "./lifecycle.js";
import { deserializeRecord, hasScope, serializeRecord, type TokenRecord } from "./token-record.js";
import { checkTokenStore, type StoreLock, type TokenStore } from "./token-store.js";

/**
 * Where the token of a source is kept, beside its memory.
 * @internal
 */
export interface TokenPlace {
  readonly store: TokenStore;
  readonly key: string;
}

/**
 * A record as found: absent, readable, or there and not readable.
 * @internal
 */
export interface FoundRecord {
  readonly record?: TokenRecord;
  /** 0 when there is none that could be replaced by compare-and-set. */
  readonly version: number;
  readonly isCorrupt: boolean;
}

/**
 * @throws TypeError when there is a store without a key for it, or either cannot be used.
 * @internal
 */
export function tokenPlace(store: TokenStore | undefined, key: string | undefined): TokenPlace | undefined {
  if (store === undefined) {
    if (key !== undefined) throw new TypeError("key is the name of a token in a store: give store as well.");
    return undefined;
  }
  checkTokenStore(store);
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty: one key of a store is one token.");
  }
  return { store, key };
}

/**
 * Settles as one call of a store does, within the limit.
 * @throws TalkdeskError (rejection) `store_unavailable`, or `store_corrupt` where the store says so.
 * @internal
 */
export async function ask<T>(limit: Deadline, call: () => Promise<T>): Promise<T> {
  try {
    return await limit.race(call());
  } catch (error) {
    if (isTalkdeskError(error) && error.code === "store_corrupt") throw error;
    if (limit.signal.aborted && !limit.isPast) throw error;
    throw new TalkdeskError(
      "store_unavailable",
      limit.isPast
        ? "The store of tokens did not answer in time; check its connection."
        : "The store of tokens failed; check its connection.",
      // Not its message: it may hold the address of the store, with its password.
      { cause: { name: reducedCause(error)?.name, code: reducedCause(error)?.code, message: "" } },
    );
  }
}

/**
 * Reads the record. One that cannot be read is reported, and counts as absent.
 * @throws TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function findRecord(
  { store, key }: TokenPlace,
  limit: Deadline,
  report: TokenCallContext["report"],
): Promise<FoundRecord> {
  try {
    const stored = await ask(limit, () => store.read(key));
    if (stored === undefined) return { version: 0, isCorrupt: false };
    const { value, version } = stored;
    if (typeof value !== "string" || !Number.isFinite(version)) {
      throw new TalkdeskError(
        "store_corrupt",
        "The store of tokens answered with something that is no record.",
      );
    }
    return { record: deserializeRecord(value), version, isCorrupt: false };
  } catch (error) {
    if (!isTalkdeskError(error) || error.code !== "store_corrupt") throw error;
    report("store_failed", error);
    return { version: 0, isCorrupt: true };
  }
}

/**
 * Puts a record in the place of the one that was found, and answers its version; undefined when another took that place.
 * @throws TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function replaceRecord(
  { store, key }: TokenPlace,
  limit: Deadline,
  found: FoundRecord,
  record: TokenRecord,
  options: { readonly fence?: number; readonly expiresAt?: number } = {},
): Promise<number | undefined> {
  // Nothing else makes room for the write: its version is unknown.
  if (found.isCorrupt) await ask(limit, () => store.delete(key));
  return ask(limit, () =>
    store.write(key, serializeRecord(record), { expectedVersion: found.version, ...options }),
  );
}

/**
 * What a record is good for as an answer: undefined when its token is outdated, near its end, or of other scopes.
 * @internal
 */
export function sharedAnswer(
  { record }: FoundRecord,
  { outdated }: Pick<TokenCallContext, "outdated">,
  scope: readonly string[] | undefined,
  clock: Clock,
): TokenAnswer | undefined {
  if (record === undefined || !hasScope(record, scope)) return undefined;
  const { token } = record;
  const sentAt = instantOfIssue(token, clock);
  const lifetimeMs = token.expiresAt - token.issuedAt;
  const remainingMs = lifetimeMs - elapsedSince(clock, sentAt);
  if (outdated.includes(token.value) || remainingMs <= hardMarginMs(lifetimeMs)) return undefined;
  return { token, sentAt, isShared: true };
}

/** The issue of a token by another process, on both clocks of this one. Theirs may be ahead. */
function instantOfIssue(token: AccessToken, clock: Clock): Instant {
  const ageMs = Math.max(0, clock.now() - token.issuedAt);
  return { wall: token.issuedAt, monotonic: clock.monotonic() - ageMs };
}

/**
 * Takes the lock, or answers undefined when somebody else holds it. One that comes too late is given back.
 * @throws TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function takeLock(
  { store, key }: TokenPlace,
  limit: Deadline,
  timeoutMs: number,
): Promise<StoreLock | undefined> {
  let isAwaited = true;
  try {
    return await ask(limit, async () => {
      const lock = await store.lock(key, { ttlMs: timeoutMs + LOCK_RESERVE_MS, signal: limit.signal });
      if (!isAwaited) await lock?.release();
      return lock;
    });
  } finally {
    isAwaited = false;
  }
}

/** A lock holds by itself for longer than any call may take. */
const LOCK_RESERVE_MS = 5_000;

/** Bounds of the wait between two looks at a lock that somebody else holds, in milliseconds. */
const POLL_MS = { least: 25, spread: 75 };

/**
 * How long to wait before looking again; spread, so that many who wait do not look together.
 * @internal
 */
export const pollMs = (random: () => number): number => POLL_MS.least + random() * POLL_MS.spread;
