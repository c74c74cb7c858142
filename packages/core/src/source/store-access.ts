import { type Clock, elapsedSince, type Instant, platformClock } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import type { Deadline } from "../base/deadline.js";
import { isTalkdeskError, reduceCause, TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import { checkTokenStore, type StoreLock, type TokenStore } from "../store/token-store.js";
import { type AccessToken, isOfNewerFormat } from "../token/access-token.js";
import { hardMarginMs, requiredLifetimeMs } from "../token/held-token.js";
import type { ReportEvent, TokenAnswer, TokenCallContext } from "../token/token-call.js";
import { isSameOwner, noteOwner, ownerOf, type TokenOwner } from "../token-endpoint/token-owner.js";
import { deserializeRecord, hasScope, serializeRecord, type TokenRecord } from "./token-record.js";

/**
 * Where a source keeps its token, besides its own memory.
 * @internal
 */
export interface TokenPlace {
  readonly store: TokenStore;
  readonly key: string;
  /** The client that the records belong to. */
  readonly owner: TokenOwner;
  /** The kind of source, as its records name it. */
  readonly kind: string;
  readonly clock: Clock;
}

/**
 * What reading a record found. A record that cannot be read, or belongs to another client, counts as absent.
 * @internal
 */
export interface FoundRecord {
  readonly record?: TokenRecord;
  /** The version to expect when the record is replaced; 0 when there is no record, or its version is unknown. */
  readonly version: number;
  readonly isCorrupt: boolean;
  /** Why the record counts as absent. */
  readonly fault?: TalkdeskError;
  /** True for the record of a newer version of this package, which only a login replaces. */
  readonly isNewer?: true;
}

/**
 * Checks `store` and `key`, and says where the token of a source is kept. Undefined without a store.
 *
 * @throws
 * - TypeError: a store without a key, a key without a store, or one of them cannot be used.
 * @internal
 */
export function tokenPlace(
  client: TalkdeskClient,
  store: TokenStore | undefined,
  key: string | undefined,
  kind: string,
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
 *
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`: the store failed, or did not answer in time.
 * - TalkdeskError (rejection) `store_corrupt`: the store says that it cannot read the record.
 * - The reason of the limit's signal (rejection), when the caller has aborted.
 * @internal
 */
export async function ask<T>(limit: Deadline, call: () => Promise<T>): Promise<T> {
  try {
    return await limit.race(call());
  } catch (error) {
    if (isCorrupt(error)) throw toCorruptError(error);
    if ((limit.signal.aborted && !limit.isPast) || isControlFlow(error)) throw error;
    throw new TalkdeskError(
      "store_unavailable",
      limit.isPast
        ? "The store of tokens did not answer in time; check its connection."
        : "The store of tokens failed; check its connection.",
      { cause: omitMessage(error) },
    );
  }
}

/** A store may use an error of any class. */
const isCorrupt = (error: unknown): error is object =>
  typeof error === "object" && error !== null && (error as { code?: unknown }).code === "store_corrupt";

function toCorruptError(error: object): TalkdeskError {
  if (isTalkdeskError(error)) return error;
  return new TalkdeskError("store_corrupt", "The store of tokens cannot read the record.", {
    cause: omitMessage(error),
  });
}

/** The message of a store's error may quote a connection string with a password. */
function omitMessage(error: unknown): object {
  const { name, code } = reduceCause(error) ?? {};
  return { name, code, message: "" };
}

/**
 * Reads the record. When it cannot be read, or belongs to another client, it counts as absent, and `report` is told why.
 *
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`: the store failed, or a newer version of this package wrote the record.
 *   During a deployment, both versions run; the record must outlast that.
 * @internal
 */
export async function findRecord(
  place: TokenPlace,
  limit: Deadline,
  report: ReportEvent,
): Promise<FoundRecord> {
  const found = await findReplaceable(place, limit, report);
  if (found.isNewer) throw found.fault;
  return found;
}

/**
 * Like {@link findRecord}, for a login, which also replaces the record of a newer version.
 *
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`: the store failed.
 * @internal
 */
export async function findReplaceable(
  place: TokenPlace,
  limit: Deadline,
  report: ReportEvent,
): Promise<FoundRecord> {
  const found = await readRecord(place, limit);
  if (found.fault !== undefined && !found.isNewer) report("store_failed", found.fault);
  return found;
}

/**
 * Reports each fault of a record once, although a token call may read the same record many times.
 * @internal
 */
export function reportFaultsOnce(report: ReportEvent): ReportEvent {
  const reported = new Set<string>();
  return (type, error) => {
    if (error?.code === "store_corrupt") {
      if (reported.has(error.message)) return;
      reported.add(error.message);
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
    if (isOfNewerFormat(value)) return { version, isCorrupt: false, isNewer: true, fault: newerError() };
    const record = deserializeRecord(value);
    if (record.owner !== undefined && !isSameOwner(record.owner, owner)) {
      return { version, isCorrupt: false, fault: otherOwnerError() };
    }
    if (record.kind !== undefined && record.kind !== kind) {
      return { version, isCorrupt: false, fault: otherKindError(kind) };
    }
    if (record.owner !== undefined) noteOwner(record.token, owner);
    return { record, version, isCorrupt: false };
  } catch (error) {
    if (!isTalkdeskError(error) || error.code !== "store_corrupt") throw error;
    return { version: 0, isCorrupt: true, fault: error };
  }
}

const newerError = (): TalkdeskError =>
  new TalkdeskError(
    "store_unavailable",
    "A newer version of @talkdesk-oauth/core stored the token, in a format that this version cannot read. The token is kept; update this process.",
  );

const otherOwnerError = (): TalkdeskError =>
  new TalkdeskError(
    "store_corrupt",
    "The stored token belongs to another client, region or gateway, so it is not used; the next login or token replaces it. Give each client a key of its own.",
  );

const otherKindError = (wanted: string): TalkdeskError =>
  new TalkdeskError(
    "store_corrupt",
    `The stored token was written by another kind of source than ${wanted}, so it is not used; the next login or token replaces it. Give each source a key of its own.`,
  );

/** How a record is written. */
interface WriteOptions {
  /** When the record ends, in epoch milliseconds of the client's clock. */
  readonly endsAt: number;
  /** The fence of the lock that is held. */
  readonly fence?: number;
  /** Follows the write of this text, which may settle after the limit has passed. */
  readonly watch?: (writing: Promise<number | undefined>, value: string) => Promise<number | undefined>;
}

/**
 * Puts a record in the place of the one that was found. Resolves to its version; undefined when the store has a newer one.
 *
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`.
 * @internal
 */
export async function replaceRecord(
  { store, key, owner, kind, clock }: TokenPlace,
  limit: Deadline,
  found: FoundRecord,
  record: TokenRecord,
  { endsAt, fence, watch = (writing) => writing }: WriteOptions,
): Promise<number | undefined> {
  // A store uses its own clock. Where the client's is behind (in a test), the record must still live as long.
  const expiresAt = Math.ceil(endsAt + Math.max(0, Date.now() - clock.now()));
  // Its version is unknown, so it cannot be replaced.
  if (found.isCorrupt) await ask(limit, () => store.delete(key));
  const value = serializeRecord({ ...record, owner, kind });
  const options = { expectedVersion: found.version, expiresAt, ...(fence !== undefined && { fence }) };
  return ask(limit, () => watch(Promise.resolve(store.write(key, value, options)), value));
}

/**
 * Takes a record's token as the answer. Undefined when the token is outdated, near its end, or has other scopes.
 * @internal
 */
export function answerFromRecord(
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
  if (remainingMs < requiredLifetimeMs(lifetimeMs, neededMs)) return undefined;
  return { token, sentAt, isShared: true };
}

/** When another process got a token, on both clocks of this process. The other clock may be ahead. */
function instantOfIssue(token: AccessToken, clock: Clock): Instant {
  const ageMs = Math.max(0, clock.now() - token.issuedAt);
  return { wall: token.issuedAt, monotonic: clock.monotonic() - ageMs };
}

/**
 * Takes the lock. Undefined when another process holds it. A lock that arrives too late is released.
 *
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`.
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
      "The store of tokens answered with something that is not a lock; test it with describeTokenStore of @talkdesk-oauth/conformance.",
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
 * Keeps a lock for longer, where the store can. Never rejects: if the lock was lost, the process that holds it now reads
 * the record before it writes.
 * @internal
 */
export async function extendLock(lock: StoreLock, limit: Deadline, durationMs: number): Promise<void> {
  await ask(limit, async () => lock.extend?.(lockMs(durationMs))).catch(() => {});
}

/**
 * Gives a lock back. Never rejects: a lock ends by itself.
 * @internal
 */
export async function releaseLock(lock: StoreLock, limit: Deadline): Promise<void> {
  await ask(limit, () => lock.release()).catch(() => {});
}

/**
 * Locks live this much longer than a call may take, in milliseconds, so that none ends while an answer is being stored, or
 * is late.
 * @internal
 */
export const LOCK_RESERVE_MS = 5_000;

const lockMs = (timeoutMs: number): number => Math.ceil(timeoutMs) + LOCK_RESERVE_MS;

/**
 * The pause between two looks at a lock that another process holds, in milliseconds: from `least` to `least + spread` at
 * first. It grows with the time waited, by itself for each `growth`, up to `most` times: the answer comes soon or late, and
 * many processes that wait must not keep the store busy.
 */
const POLL_MS = { least: 25, spread: 75, growth: 250, most: 6 };

/**
 * How long to pause before the next look, in milliseconds. Random, so that many processes do not look at the same time.
 * @internal
 */
export function pollMs(random: () => number, waitedMs: number): number {
  const times = Math.min(POLL_MS.most, 1 + Math.max(0, waitedMs) / POLL_MS.growth);
  return (POLL_MS.least + random() * POLL_MS.spread) * times;
}
