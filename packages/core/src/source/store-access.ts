import { type Clock, elapsedSince, type Instant, platformClock } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import type { Deadline } from "../base/deadline.js";
import { isTalkdeskError, reducedCause, TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import { checkTokenStore, type StoreLock, type TokenStore } from "../store/token-store.js";
import type { AccessToken } from "../token/access-token.js";
import { hardMarginMs, neededFor, type TokenAnswer, type TokenCallContext } from "../token/lifecycle.js";
import { isSameOwner, noteOwner, ownerOf, type TokenOwner } from "../token-endpoint/token-owner.js";
import {
  deserializeRecord,
  hasScope,
  serializeRecord,
  type TokenKind,
  type TokenRecord,
} from "./token-record.js";

/**
 * Where the token of a source is kept, beside its memory.
 * @internal
 */
export interface TokenPlace {
  readonly store: TokenStore;
  readonly key: string;
  /** Whose the records are. */
  readonly owner: TokenOwner;
  readonly kind: TokenKind;
  readonly clock: Clock;
}

/**
 * A record as found: absent, readable, there and not readable, or another's, which counts as absent.
 * @internal
 */
export interface FoundRecord {
  readonly record?: TokenRecord;
  /** 0 when there is none that could be replaced by compare-and-set. */
  readonly version: number;
  readonly isCorrupt: boolean;
  /** Why a record counts as absent that is there. */
  readonly fault?: TalkdeskError;
}

/**
 * @throws TypeError when there is a store without a key for it, or either cannot be used.
 * @internal
 */
export function tokenPlace(
  client: TalkdeskClient,
  store: TokenStore | undefined,
  key: string | undefined,
  kind: TokenKind,
): TokenPlace | undefined {
  if (store === undefined) {
    if (key !== undefined) throw new TypeError("key names a token in a store: give store as well.");
    return undefined;
  }
  checkTokenStore(store);
  if (typeof key !== "string" || key === "") {
    throw new TypeError("key must be a string that is not empty: one key of a store is one token.");
  }
  return { store, key, owner: ownerOf(client), kind, clock: client.clock ?? platformClock };
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
    if (isCorrupt(error)) throw corrupt(error);
    if ((limit.signal.aborted && !limit.isPast) || isControlFlow(error)) throw error;
    throw new TalkdeskError(
      "store_unavailable",
      limit.isPast
        ? "The store of tokens did not answer in time; check its connection."
        : "The store of tokens failed; check its connection.",
      { cause: withoutMessage(error) },
    );
  }
}

/** A store may say so with an error of any class. */
const isCorrupt = (error: unknown): error is object =>
  typeof error === "object" && error !== null && (error as { code?: unknown }).code === "store_corrupt";

function corrupt(error: object): TalkdeskError {
  if (isTalkdeskError(error)) return error;
  return new TalkdeskError("store_corrupt", "The store of tokens cannot read the record.", {
    cause: withoutMessage(error),
  });
}

/** A store's message may hold its address, with a password. */
function withoutMessage(error: unknown): object {
  const { name, code } = reducedCause(error) ?? {};
  return { name, code, message: "" };
}

/**
 * Reads the record. One that cannot be read, or is another's, counts as absent; `report` is told why.
 * @throws TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function findRecord(
  place: TokenPlace,
  limit: Deadline,
  report: TokenCallContext["report"],
): Promise<FoundRecord> {
  const found = await readRecord(place, limit);
  if (found.fault !== undefined) report("store_failed", found.fault);
  return found;
}

/**
 * Passes on what is reported, but the fault of a record once: a call may read the same record many times.
 * @internal
 */
export function faultsOnce(report: TokenCallContext["report"]): TokenCallContext["report"] {
  const told = new Set<string>();
  return (type, error) => {
    if (error?.code === "store_corrupt") {
      if (told.has(error.message)) return;
      told.add(error.message);
    }
    report(type, error);
  };
}

async function readRecord({ store, key, owner, kind }: TokenPlace, limit: Deadline): Promise<FoundRecord> {
  try {
    const stored = await ask(limit, () => store.read(key));
    if (stored === undefined) return { version: 0, isCorrupt: false };
    const { value, version } = Object(stored) as Partial<typeof stored>;
    if (typeof value !== "string" || typeof version !== "number" || !Number.isFinite(version)) {
      throw new TalkdeskError(
        "store_corrupt",
        "The store of tokens answered with a value that is not a record.",
      );
    }
    const record = deserializeRecord(value);
    if (record.owner !== undefined && !isSameOwner(record.owner, owner)) {
      return { version, isCorrupt: false, fault: ofAnother() };
    }
    if (record.kind !== undefined && record.kind !== kind) {
      return { version, isCorrupt: false, fault: ofAnotherKind(record.kind, kind) };
    }
    if (record.owner !== undefined) noteOwner(record.token, owner);
    return { record, version, isCorrupt: false };
  } catch (error) {
    if (!isTalkdeskError(error) || error.code !== "store_corrupt") throw error;
    return { version: 0, isCorrupt: true, fault: error };
  }
}

const ofAnother = (): TalkdeskError =>
  new TalkdeskError(
    "store_corrupt",
    "The stored token belongs to another client, region or gateway, so it is not used; the next login or token replaces it. Give each client a key of its own.",
  );

const ofAnotherKind = (found: TokenKind, wanted: TokenKind): TalkdeskError =>
  new TalkdeskError(
    "store_corrupt",
    `The stored token is a ${found} and not a ${wanted}, so it is not used; the next login or token replaces it. Give each source a key of its own.`,
  );

/**
 * Puts a record in the place of the one that was found, and answers its version; undefined when another took that
 * place. It ends at `endsAt`, by the client's clock.
 * @throws TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function replaceRecord(
  { store, key, owner, kind, clock }: TokenPlace,
  limit: Deadline,
  found: FoundRecord,
  record: TokenRecord,
  { endsAt, ...options }: { readonly fence?: number; readonly endsAt: number },
): Promise<number | undefined> {
  // A store goes by its own clock: where the client's is behind that (in a test), the record still lives as long.
  const expiresAt = Math.ceil(endsAt + Math.max(0, Date.now() - clock.now()));
  // Nothing else makes room for the write: its version is unknown.
  if (found.isCorrupt) await ask(limit, () => store.delete(key));
  return ask(limit, () =>
    store.write(key, serializeRecord({ ...record, owner, kind }), {
      expectedVersion: found.version,
      expiresAt,
      ...options,
    }),
  );
}

/**
 * What a record is good for as an answer: undefined when its token is outdated, near its end, or of other scopes.
 * @internal
 */
export function sharedAnswer(
  { record }: FoundRecord,
  { outdated, neededMs }: Pick<TokenCallContext, "outdated" | "neededMs">,
  scope: readonly string[] | undefined,
  clock: Clock,
): TokenAnswer | undefined {
  if (record === undefined || record.isOver === true || !hasScope(record, scope)) return undefined;
  const { token } = record;
  const sentAt = instantOfIssue(token, clock);
  const lifetimeMs = token.expiresAt - token.issuedAt;
  const remainingMs = lifetimeMs - elapsedSince(clock, sentAt);
  if (outdated.includes(token.value) || remainingMs <= hardMarginMs(lifetimeMs)) return undefined;
  if (remainingMs < neededFor(lifetimeMs, neededMs)) return undefined;
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
    const lock = await ask(limit, async () => {
      const taken = await store.lock(key, { ttlMs: lockMs(timeoutMs), signal: limit.signal });
      if (!isAwaited) await taken?.release();
      return taken;
    });
    if (lock === undefined || isLock(lock)) return lock;
    throw new TalkdeskError(
      "store_unavailable",
      "The store of tokens answered with something that is no lock; test it with describeTokenStore of @talkdesk-oauth/conformance.",
    );
  } finally {
    isAwaited = false;
  }
}

function isLock(lock: unknown): boolean {
  const { fence, release } = Object(lock) as Partial<StoreLock>;
  return Number.isFinite(fence) && typeof release === "function";
}

/**
 * Keeps a lock for that much longer, where the store can. A lock that is no longer held, or a store that fails, is no
 * reason not to go on: whoever holds it now reads before it writes.
 * @internal
 */
export async function extendLock(lock: StoreLock, limit: Deadline, durationMs: number): Promise<void> {
  await ask(limit, async () => lock.extend?.(lockMs(durationMs))).catch(() => {});
}

/** A lock holds by itself for longer than any call may take. */
const LOCK_RESERVE_MS = 5_000;

const lockMs = (timeoutMs: number): number => Math.ceil(timeoutMs) + LOCK_RESERVE_MS;

/** Bounds of the wait between two looks at a lock that somebody else holds, in milliseconds. */
const POLL_MS = { least: 25, spread: 75 };

/**
 * How long to wait before looking again; spread, so that many who wait do not look together.
 * @internal
 */
export const pollMs = (random: () => number): number => POLL_MS.least + random() * POLL_MS.spread;
