import { type AccessToken, successorOf } from "./access-token.js";
import type { TalkdeskClient } from "./client.js";
import { type Clock, type Instant, instant, isBefore, later, platformClock } from "./clock.js";
import { isControlFlow } from "./control-flow.js";
import { type Deadline, deadline } from "./deadline.js";
import { isTalkdeskError, TalkdeskError, type TalkdeskErrorOptions } from "./errors.js";
import type { TokenAnswer, TokenCallContext } from "./lifecycle.js";
import { exchange } from "./request-token.js";
import {
  ask,
  extendLock,
  type FoundRecord,
  faultsOnce,
  findRecord,
  pollMs,
  replaceRecord,
  sharedAnswer,
  type TokenPlace,
  takeLock,
} from "./store-access.js";
import { noteOwner } from "./token-owner.js";
import { refreshTokenName, type TokenRecord } from "./token-record.js";
import type { StoreLock } from "./token-store.js";

/**
 * What one source knows of its session beside the token that it hands out.
 * @internal
 */
export interface SessionState {
  readonly client: TalkdeskClient;
  readonly place: TokenPlace;
  readonly scope: readonly string[] | undefined;
  /** How long the record lives without a write. */
  readonly maxIdleMs: number;
  /** The token of a login, until it is in the store or has lost to a later one. */
  login: Login | undefined;
  /** A write that has failed and is repeated. */
  unsaved: Unsaved | undefined;
  /** The name of a refresh token that was refused for good, should the store not have been told. */
  refused: string | undefined;
  /** Whether the end was reported. */
  endReported: boolean;
  /** Nothing more may be written. */
  isEnded: boolean;
  /** Resolves when the last write has settled. */
  writing: Promise<void> | undefined;
}

interface Login {
  readonly token: AccessToken;
  /** Whether it has just happened, so that it replaces whatever is in the store; else the later token wins. */
  readonly isNew: boolean;
}

interface Unsaved {
  /** Tries once more; resolves when nothing is left to be saved. */
  readonly save: (limit: Deadline, report: TokenCallContext["report"]) => Promise<void>;
  /** Kept until then, so that nobody else spends the refresh token that was exchanged. */
  readonly lock: StoreLock | undefined;
  attempt: Promise<void> | undefined;
  failures: number;
  /** Of the next attempt. */
  timer?: unknown;
}

/** Pauses between the attempts to save, in milliseconds: the first, doubling to the longest. */
const SAVE_PAUSE_MS = { first: 250, longest: 5_000 };

/** One call for the session's token. */
interface Call {
  readonly session: SessionState;
  readonly context: TokenCallContext;
  readonly limit: Deadline;
  /** How many more writes may lose to somebody else's. */
  readonly conflicts: { left: number };
}

/** A store that refuses more of one call's writes does not compare and set. */
const MAX_CONFLICTS = 32;

/**
 * The session's token: the one in the store when it is fresh, else what its refresh token is exchanged for. A refresh
 * token may be good for one exchange only, so: lock, read again, mark the attempt, send, and put the successor in the
 * place of what was read, before anybody gets it. At each step a crash leaves a record that tells what may have
 * happened.
 *
 * @throws TalkdeskError (rejection) those of a refresh, `reauthentication_required`, `refresh_outcome_unknown`,
 *   `store_unavailable`, `lock_timeout`.
 * @internal
 */
export async function renewSession(
  session: SessionState,
  callContext: TokenCallContext,
): Promise<TokenAnswer> {
  const context = { ...callContext, report: faultsOnce(callContext.report) };
  // Not by the signal of the source: what was sent has to be heard and stored.
  const limit = deadline(session.client.timeoutMs, undefined, session.client.clock);
  const call: Call = { session, context, limit, conflicts: { left: MAX_CONFLICTS } };
  try {
    if (session.unsaved !== undefined) await savedNow(call, session.unsaved);
    const { found, answer = shared(call, found) } = await storedLogin(call);
    const fresh = answer ?? (await lockedRenewal(call, found));
    session.endReported = false;
    return fresh;
  } finally {
    limit.clear();
  }
}

/** The same call, when a write of it is tried again. */
const repeated = (call: Call, limit: Deadline, report: TokenCallContext["report"]): Call => ({
  ...call,
  limit,
  context: { ...call.context, report },
  conflicts: { left: MAX_CONFLICTS },
});

const clockOf = ({ session }: Pick<Call, "session">): Clock => session.client.clock ?? platformClock;

const find = ({ session, limit, context }: Call): Promise<FoundRecord> =>
  findRecord(session.place, limit, context.report);

const shared = (call: Call, found: FoundRecord): TokenAnswer | undefined =>
  sharedAnswer(found, call.context, call.session.scope, clockOf(call));

/** Stores the token of a login, where it is later than what is there; and what is there then. */
async function storedLogin(
  call: Call,
): Promise<{ readonly found: FoundRecord; readonly answer?: TokenAnswer }> {
  const { session } = call;
  const { login } = session;
  if (login === undefined) return { found: await find(call) };
  const save: Unsaved["save"] = (limit, report) => saveLogin(repeated(call, limit, report), login);
  try {
    await save(call.limit, call.context.report);
    return { found: await find(call) };
  } catch (error) {
    if (session.isEnded || !isTalkdeskError(error)) throw error;
    if (session.login === login) keepUnsaved(call, error, save, undefined);
    const record: TokenRecord = { token: login.token };
    const answer = shared(call, { record, version: 0, isCorrupt: false });
    if (answer === undefined) throw error;
    return { found: { version: 0, isCorrupt: false }, answer };
  }
}

async function saveLogin(call: Call, login: Login): Promise<void> {
  const { token, isNew } = login;
  // Another login that has come since is the one to be stored.
  while (call.session.login === login) {
    const found = await find(call);
    const { record } = found;
    const isStored = record?.token.value === token.value;
    const isLater = record === undefined || token.issuedAt > record.token.issuedAt;
    if (isStored || !(isNew || isLater) || (await write(call, found, recordOf(token)))) break;
  }
  if (call.session.login === login) call.session.login = undefined;
}

function recordOf(token: AccessToken, previous?: TokenRecord, scope?: readonly string[]): TokenRecord {
  const lifetime = token.extra["refresh_token_expires_in"];
  const isKept = previous?.token.refreshToken === token.refreshToken;
  const endsAt =
    typeof lifetime === "number"
      ? token.issuedAt + lifetime * 1000
      : isKept
        ? previous?.refreshTokenExpiresAt
        : undefined;
  return {
    token,
    ...(scope !== undefined && { scope }),
    ...(endsAt !== undefined && Number.isFinite(endsAt) && { refreshTokenExpiresAt: endsAt }),
  };
}

/** Waits for the lock, or for somebody else's result. */
async function lockedRenewal(call: Call, first: FoundRecord): Promise<TokenAnswer> {
  const { session, context, limit } = call;
  let found = first;
  for (;;) {
    await spendableToken(call, found);
    // Its time began at the latest when it was asked for; what is beyond `timeoutMs` is for an answer under way.
    const leaseEnd = later(instant(clockOf(call)), session.client.timeoutMs);
    const lock = await takeLock(session.place, limit, session.client.timeoutMs);
    if (lock !== undefined) {
      try {
        const answer = await renewed(call, lock, leaseEnd);
        if (answer !== undefined) return answer;
      } finally {
        if (session.unsaved?.lock !== lock) await release(lock, limit);
      }
    }
    const isLast = await waited(call);
    found = isLast ? await lastLook(call) : await find(call);
    const answer = shared(call, found);
    if (answer !== undefined) return answer;
    if (isLast) throw lockTimeout();
    if (context.signal.aborted) throw sessionClosed();
  }
}

/** Once the time is up the store is asked once more, for so long: who held the lock may just have finished. */
const LAST_LOOK_MS = 250;

async function lastLook(call: Call): Promise<FoundRecord> {
  const limit = deadline(LAST_LOOK_MS, undefined, call.session.client.clock);
  try {
    return await find({ ...call, limit });
  } finally {
    limit.clear();
  }
}

/** Waits a little; answers whether the time is up. */
async function waited({ session, limit }: Call): Promise<boolean> {
  const delayMs = pollMs(session.client.random ?? Math.random);
  if (delayMs >= limit.remainingMs()) return true;
  await limit.wait(delayMs).catch(() => {});
  return limit.isPast;
}

async function release(lock: StoreLock, limit: Deadline): Promise<void> {
  // It ends by itself.
  await ask(limit, () => lock.release()).catch(() => {});
}

interface Spendable {
  readonly record: TokenRecord;
  readonly refreshToken: string;
  readonly name: string;
}

/** The refresh token in a record, if it may still be sent. */
async function spendableToken(call: Call, found: FoundRecord): Promise<Spendable> {
  const { record } = found;
  if (record === undefined) {
    throw await ended(
      call,
      found,
      "Nobody is logged in under this key, or the session was ended; log the user in again.",
    );
  }
  const { refreshToken } = record.token;
  if (refreshToken === undefined) {
    throw await ended(
      call,
      found,
      "The session has no refresh token; log the user in again, and ask for the scope refresh_token to get one.",
    );
  }
  const name = refreshTokenName(refreshToken);
  if (record.dead === name || call.session.refused === name) throw await ended(call, found, REFUSED_FOR_GOOD);
  if (record.refreshTokenExpiresAt !== undefined && record.refreshTokenExpiresAt <= clockOf(call).now()) {
    throw await ended(call, found, "The session's refresh token has expired; log the user in again.");
  }
  return { record, refreshToken, name };
}

/**
 * Under the lock. Undefined when that may have run out before anything was sent: the process was stopped for so long
 * that the lock, and the refresh token, may be another's by now.
 */
async function renewed(call: Call, lock: StoreLock, leaseEnd: Instant): Promise<TokenAnswer | undefined> {
  const { session, context, limit } = call;
  const isHeld = (): boolean => isBefore(clockOf(call), leaseEnd);
  while (isHeld()) {
    const found = await find(call);
    const answer = shared(call, found);
    if (answer !== undefined) return answer;
    const { record, refreshToken, name } = await spendableToken(call, found);
    if (context.signal.aborted) throw sessionClosed();
    const wasMarked = record.attempt === name;
    // Not once the lock may be another's: the mark then stands for its attempt as well.
    const unmark = async (marked: FoundRecord): Promise<void> => {
      if (!wasMarked && isHeld()) await write(call, marked, record).catch(() => {});
    };
    if (!wasMarked) await write(call, found, { ...record, attempt: name });
    const marked = wasMarked ? found : await find(call);
    if (marked.record?.attempt !== name || marked.record.token.refreshToken !== refreshToken) continue;

    let exchanged: TokenAnswer;
    try {
      exchanged = await exchange(
        session.client,
        {
          grant_type: "refresh_token",
          refresh_token: refreshToken,
          ...(session.scope && { scope: session.scope }),
        },
        { limit, maySend: isHeld },
      );
    } catch (error) {
      if (!isTalkdeskError(error)) {
        // A framework that steers itself has sent nothing.
        if (isControlFlow(error)) await unmark(marked);
        throw error;
      }
      if (isGrantRefused(error)) {
        const over = await refusedSession(call, { refreshToken, name, wasMarked }, error);
        if (over !== undefined) throw await ended(call, over, REFUSED_FOR_GOOD, error);
        continue;
      }
      if (saysNothingExchanged(error)) await unmark(marked);
      if (error.code === "token_network" && !isHeld()) return undefined;
      throw error;
    }
    const token = successorOf(record.token, exchanged.token);
    noteOwner(token, session.place.owner);
    const successor = recordOf(token, record, session.scope);
    const stored = await storedSuccessor(call, { successor, exchanged: refreshToken, marked, lock });
    if (stored === "stored") return { ...exchanged, token };
    const adopted = shared(call, stored);
    if (adopted !== undefined) return adopted;
  }
  return undefined;
}

interface Successor {
  readonly successor: TokenRecord;
  /** The refresh token that it was exchanged for. */
  readonly exchanged: string;
  readonly marked: FoundRecord;
  readonly lock: StoreLock;
}

/** Stores what a refresh token was exchanged for; or answers what has taken its place meanwhile, which may be nothing. */
async function storedSuccessor(call: Call, renewal: Successor): Promise<"stored" | FoundRecord> {
  const { session } = call;
  try {
    return await saveSuccessor(call, renewal);
  } catch (error) {
    // A login that has come since takes its place.
    if (session.isEnded || session.login !== undefined || !isTalkdeskError(error)) throw error;
    const save: Unsaved["save"] = async (limit, report) => {
      await saveSuccessor(repeated(call, limit, report), renewal);
    };
    keepUnsaved(call, error, save, renewal.lock);
    return "stored";
  }
}

async function saveSuccessor(
  call: Call,
  { successor, exchanged, marked, lock }: Successor,
): Promise<"stored" | FoundRecord> {
  let place: FoundRecord = marked;
  let fence: { readonly fence?: number } = { fence: lock.fence };
  for (;;) {
    if (await write(call, place, successor, fence)) return "stored";
    const found = await find(call);
    const { record } = found;
    // It was ended elsewhere.
    if (record === undefined && !found.isCorrupt) return found;
    if (record !== undefined) {
      const { value, refreshToken, issuedAt } = record.token;
      // An earlier attempt whose answer was lost.
      if (value === successor.token.value) return "stored";
      const wasRotated = successor.token.refreshToken !== exchanged;
      // Without rotation the refresh token tells nothing: then the later token wins.
      if (refreshToken !== exchanged || (!wasRotated && issuedAt > successor.token.issuedAt)) return found;
    }
    place = found;
    fence = {};
  }
}

/** A write that failed is repeated in the background until it succeeds or is superseded, and before the next refresh. */
function keepUnsaved(
  call: Call,
  error: TalkdeskError,
  save: Unsaved["save"],
  lock: StoreLock | undefined,
): void {
  const { session, context } = call;
  context.report("store_failed", error);
  const unsaved: Unsaved = { save, lock, attempt: undefined, failures: 1 };
  session.unsaved = unsaved;
  scheduleSave(call, unsaved);
}

function scheduleSave(call: Call, unsaved: Unsaved): void {
  const { session } = call;
  if (session.unsaved !== unsaved) return;
  const delayMs = Math.min(SAVE_PAUSE_MS.longest, SAVE_PAUSE_MS.first * 2 ** (unsaved.failures - 1));
  unsaved.timer = clockOf(call).setTimeout(() => {
    if (session.unsaved !== unsaved) return;
    trySave(session, unsaved, call.context.report).catch(() => scheduleSave(call, unsaved));
  }, delayMs);
}

/**
 * Gives up what is not saved; answers the lock that was held for it.
 * @internal
 */
export function forgetUnsaved(session: SessionState): StoreLock | undefined {
  const { unsaved } = session;
  session.unsaved = undefined;
  clockOf({ session }).clearTimeout?.(unsaved?.timer);
  return unsaved?.lock;
}

/**
 * Saves what is not saved yet, and gives it up when that has not succeeded within `timeoutMs`. Its lock stays then, until
 * its time is over: the refresh token that was exchanged is of no use to the next process.
 * @internal
 */
export async function saveAtLast(session: SessionState, report: TokenCallContext["report"]): Promise<void> {
  const limit = deadline(session.client.timeoutMs, undefined, session.client.clock);
  try {
    while (session.unsaved !== undefined && !limit.isPast) {
      const { unsaved } = session;
      await limit
        .race(trySave(session, unsaved, report))
        .catch(() => limit.wait(SAVE_PAUSE_MS.first))
        .catch(() => {});
    }
  } finally {
    limit.clear();
  }
  forgetUnsaved(session);
}

/** One attempt to save, however many wait for it. */
function trySave(session: SessionState, unsaved: Unsaved, report: TokenCallContext["report"]): Promise<void> {
  unsaved.attempt ??= (async () => {
    const { lock } = unsaved;
    const limit = deadline(session.client.timeoutMs, undefined, session.client.clock);
    try {
      // Until the next attempt: while it is held, no other process spends the refresh token that was exchanged.
      // Not awaited: the store may do the one and not the other.
      if (lock !== undefined) void extendLock(lock, limit, session.client.timeoutMs + SAVE_PAUSE_MS.longest);
      await unsaved.save(limit, report);
      if (session.unsaved === unsaved) forgetUnsaved(session);
      if (lock !== undefined) await release(lock, limit);
    } catch (error) {
      unsaved.failures += 1;
      if (isTalkdeskError(error) && !session.isEnded) report("store_failed", error);
      throw error;
    } finally {
      limit.clear();
      unsaved.attempt = undefined;
    }
  })();
  return unsaved.attempt;
}

/** Before anything is refreshed, what is in memory alone has to be in the store. */
async function savedNow({ session, context, limit }: Call, unsaved: Unsaved): Promise<void> {
  await ask(limit, () => trySave(session, unsaved, context.report));
}

/** What an answer says that a refresh token was exchanged for nothing: never sent, or refused as a request. */
function saysNothingExchanged({ code, status }: TalkdeskError): boolean {
  switch (code) {
    case "token_network":
    case "credentials_unavailable":
    case "client_refused":
    case "request_refused":
      return true;
    case "token_unavailable":
      // What stands before the token endpoint, and has had no answer of it.
      return status !== 502 && status !== 504;
    default:
      return false;
  }
}

/** RFC 6749 §5.2, and the code outside it that Talkdesk documents for a refresh token. */
function isGrantRefused({ code, error, status }: TalkdeskError): boolean {
  if (code !== "request_refused" && code !== "client_refused") return false;
  return error === "invalid_grant" || (error === "unauthorized" && status === 401);
}

/**
 * The record of a session that a refused refresh token has ended; undefined when the store has a newer one, which
 * another process has been given for it. An earlier attempt without an answer says nothing about a revocation.
 */
async function refusedSession(
  call: Call,
  { refreshToken, name, wasMarked }: { refreshToken: string; name: string; wasMarked: boolean },
  refusal: TalkdeskError,
): Promise<FoundRecord | undefined> {
  const { session } = call;
  if (!wasMarked) session.refused = name;
  for (;;) {
    const found = await find(call);
    const { record } = found;
    if (record === undefined) return found;
    if (record.token.refreshToken !== refreshToken) return undefined;
    if (record.dead === name) return found;
    if (wasMarked) {
      const { status, error, errorDescription } = refusal;
      throw new TalkdeskError(
        "refresh_outcome_unknown",
        "The refresh token is refused, and the answer to an earlier attempt with it was lost: it was probably replaced then, and its successor never arrived. Log the user in again.",
        defined({ status, error, errorDescription }),
      );
    }
    const { attempt: _, ...rest } = record;
    const isOver = record.token.value === call.context.refused;
    const dead: TokenRecord = { ...rest, dead: name, ...(isOver && { isOver }) };
    if (await write(call, found, dead)) return { ...found, record: dead };
  }
}

/** When nothing in a record is good for anything, as far as that is known. */
const endOf = ({ token, refreshTokenExpiresAt = Number.POSITIVE_INFINITY }: TokenRecord): number =>
  Math.max(token.expiresAt, refreshTokenExpiresAt);

/** One write of this session; none once it has ended. */
async function write(
  { session, limit, conflicts }: Call,
  found: FoundRecord,
  record: TokenRecord,
  options: { readonly fence?: number } = {},
): Promise<boolean> {
  if (session.isEnded) throw sessionClosed();
  const { store, clock } = session.place;
  const watched: TokenPlace["store"] = {
    read: (name) => store.read(name),
    delete: (name) => store.delete(name),
    lock: (name, lockOptions) => store.lock(name, lockOptions),
    async write(name, value, writeOptions) {
      const writing = Promise.resolve(store.write(name, value, writeOptions));
      // Not what it settles with: an error remembers the calls that it came from, and what they work with.
      session.writing = writing.then(
        () => {},
        () => {},
      );
      const version = await writing;
      // One that hung until the end must not outlive it, nor take away what a new login has put there since.
      if (session.isEnded && (await store.read(name))?.value === value) await store.delete(name);
      return version;
    },
  };
  const place = { ...session.place, store: watched };
  const endsAt = Math.min(clock.now() + session.maxIdleMs, endOf(record));
  const isWritten = Boolean(await replaceRecord(place, limit, found, record, { ...options, endsAt }));
  if (!isWritten && conflicts.left-- === 0) {
    throw new TalkdeskError("store_unavailable", "The store of tokens refuses every write of the session.");
  }
  return isWritten;
}

/**
 * What a call rejects with when a session can no longer be renewed; its end is reported once. The token of the record
 * may still be good. It is not when the API has refused it: then the record says so to every process.
 */
async function ended(
  call: Call,
  found: FoundRecord,
  message: string,
  refusal?: TalkdeskError,
): Promise<TalkdeskError> {
  const { session, context } = call;
  const { record } = found;
  if (record !== undefined && record.isOver !== true && record.token.value === context.refused) {
    // Where it fails, the next process is refused itself.
    await write(call, found, { ...record, isOver: true }).catch(() => {});
    context.withdraw();
  }
  if (record === undefined || record.isOver === true) context.withdraw();
  const { status, error, errorDescription, hints } = refusal ?? {};
  const end = reauthentication(message, defined({ status, error, errorDescription, hints }));
  if (!session.endReported) {
    session.endReported = true;
    context.report("session_ended", end);
  }
  return end;
}

const REFUSED_FOR_GOOD =
  "The token endpoint refuses the session's refresh token: it was revoked, has expired, or was used elsewhere. Log the user in again.";

const reauthentication = (message: string, options?: TalkdeskErrorOptions): TalkdeskError =>
  new TalkdeskError("reauthentication_required", message, options);

const lockTimeout = (): TalkdeskError =>
  new TalkdeskError(
    "lock_timeout",
    "Another process holds the session's lock and has not finished; ask again. If it crashed, the lock ends by itself.",
  );

const sessionClosed = (): TalkdeskError => new TalkdeskError("source_closed", "This session was closed.");

/** The members that are not undefined. */
function defined<Members extends object>(members: Members): TalkdeskErrorOptions {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
