import { addMs, type Instant, isBefore, readInstant } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { type Deadline, startDeadline } from "../base/deadline.js";
import { isTalkdeskError } from "../base/errors.js";
import type { StoreLock } from "../store/token-store.js";
import { succeedToken } from "../token/access-token.js";
import type { TokenAnswer, TokenCallContext } from "../token/token-call.js";
import type { AnswerPatience } from "../token-endpoint/exchange-attempt.js";
import { refreshRequest } from "../token-endpoint/grant-request.js";
import { exchange } from "../token-endpoint/request-token.js";
import { noteOwner } from "../token-endpoint/token-owner.js";
import {
  answerOverdueError,
  lockTimeoutError,
  lostWritesError,
  sessionClosedError,
} from "./session-errors.js";
import {
  isGrantRefused,
  isRefusedAfterLoss,
  markRefused,
  provesNoExchange,
  reportEnd,
  requireRefreshToken,
  type Spendable,
} from "./session-refusal.js";
import {
  clockOf,
  type Login,
  type OverdueRefresh,
  type Renewal,
  type SessionState,
  type UnsavedWrite,
} from "./session-state.js";
import {
  answerFrom,
  answerShortlyFrom,
  findReplaceableSession,
  findSession,
  isBehind,
  nameOfLogin,
  recordOf,
  repeatRenewal,
  startRenewal,
  writeSession,
} from "./session-store.js";
import {
  extendLock,
  type FoundRecord,
  LOCK_RESERVE_MS,
  pollMs,
  releaseLock,
  reportFaultsOnce,
  takeLock,
} from "./store-access.js";
import { precedes, type TokenRecord } from "./token-record.js";
import { keepUnsaved, saveInBackground, saveNow } from "./unsaved-write.js";

/**
 * Gets the session's token: the one in the store while it is fresh, otherwise what its refresh token is exchanged for.
 *
 * A refresh token may be good for one exchange only. So a renewal takes the lock, reads the record again, marks the
 * attempt in it, sends the refresh token, and replaces the record by its successor before any caller gets that. After a
 * crash between any two steps, the record says what may have happened.
 *
 * @throws
 * - TalkdeskError (rejection) `reauthentication_required`, `refresh_outcome_unknown`, `store_unavailable`,
 *   `lock_timeout`, `source_closed`, and the codes of {@link exchange}.
 * @internal
 */
export async function renewSession(
  session: SessionState,
  callContext: TokenCallContext,
): Promise<TokenAnswer> {
  let isWithdrawn = false;
  const context: TokenCallContext = {
    ...callContext,
    report: reportFaultsOnce(callContext.report),
    withdraw() {
      isWithdrawn = true;
      callContext.withdraw();
    },
  };
  const { timeoutMs, clock } = session.client;
  // Without the signal of the source: the answer to what was sent has to be heard and stored.
  const limit = startDeadline(Math.max(0, timeoutMs - context.waitedMs), undefined, clock);
  const renewal = startRenewal({ session, context, limit });
  try {
    if (session.unsaved !== undefined) await saveNow(renewal, session.unsaved);
    const { found, answer = answerFrom(renewal, found) } = await storeLogin(renewal);
    try {
      const fresh = answer ?? (await lockAndRenew(renewal, found));
      session.isEndReported = false;
      return fresh;
    } catch (error) {
      // A token that ends sooner than it is needed is better than an error.
      const short = answerShortlyFrom(renewal, found);
      if (isWithdrawn || short === undefined || !isTalkdeskError(error)) throw error;
      return short;
    }
  } finally {
    limit.clear();
  }
}

/**
 * Stores the token of a login, unless a later one is stored, and finds the record that is there afterwards. While the
 * store fails, the login's token is the answer.
 */
async function storeLogin(
  renewal: Renewal,
): Promise<{ readonly found: FoundRecord; readonly answer?: TokenAnswer }> {
  const { session, limit, context } = renewal;
  const { login } = session;
  if (login === undefined) return { found: await findSession(renewal) };
  const save: UnsavedWrite["save"] = (saveLimit, report) =>
    writeLogin(repeatRenewal(renewal, saveLimit, report), login, { isRepeat: true });
  try {
    await writeLogin(repeatRenewal(renewal, limit, context.report), login, { isRepeat: false });
    return { found: await findSession(renewal) };
  } catch (error) {
    if (session.isEnded || !isTalkdeskError(error)) throw error;
    if (session.login === login) keepUnsaved(renewal, error, save, undefined);
    const record: TokenRecord = { token: login.token };
    const answer = answerShortlyFrom(renewal, { record, version: 0, isCorrupt: false });
    if (answer === undefined) throw error;
    return { found: { version: 0, isCorrupt: false }, answer };
  }
}

async function writeLogin(
  renewal: Renewal,
  login: Login,
  { isRepeat }: { readonly isRepeat: boolean },
): Promise<void> {
  const { session } = renewal;
  const { token, isNew } = login;
  let isLate = isRepeat;
  // A login that has started since is stored instead.
  while (session.login === login) {
    const found = await (isNew ? findReplaceableSession(renewal) : findSession(renewal));
    const { record } = found;
    // Or what it has become: its write may have had no answer, and another process has refreshed it since.
    const isStored = record?.token.value === token.value || record?.login === nameOfLogin(token);
    const isLater = record === undefined || token.issuedAt > record.token.issuedAt;
    // While this one could not be stored, the user has logged in again, in another process.
    const isOvertaken = isLate && record?.loginAt !== undefined && record.loginAt > token.issuedAt;
    if (
      isStored ||
      isOvertaken ||
      !(isNew || isLater) ||
      (await writeSession(renewal, found, recordOf(token)))
    )
      break;
    isLate = true;
  }
  if (session.login === login) session.login = undefined;
}

/** Takes the lock and renews, or waits for what the process that holds the lock brings. */
async function lockAndRenew(renewal: Renewal, first: FoundRecord): Promise<TokenAnswer> {
  const { session, context, limit } = renewal;
  let found = first;
  for (;;) {
    if (!isBehind(session, found)) await requireRefreshToken(renewal, found);
    // The lease began at the latest when it was asked for. Its reserve beyond `timeoutMs` is for an answer under way.
    const leaseEnd = addMs(readInstant(clockOf(session)), session.client.timeoutMs);
    const lock = await takeLock(session.place, limit, session.client.timeoutMs);
    if (lock !== undefined) {
      try {
        const answer = await renewUnderLock(renewal, lock, leaseEnd);
        if (answer !== undefined) return answer;
      } finally {
        if (!isKept(session, lock)) await releaseLock(lock, limit);
      }
    }
    const isLast = await pauseForLock(renewal);
    found = isLast ? await findOnceMore(renewal) : await findSession(renewal);
    const answer = answerFrom(renewal, found);
    if (answer !== undefined) return answer;
    if (isLast) throw lockTimeoutError();
    if (context.signal.aborted) throw sessionClosedError();
  }
}

/** Whether a lock is held beyond its renewal, for a successor that is not stored yet. */
const isKept = ({ unsaved, overdue }: SessionState, lock: StoreLock): boolean =>
  unsaved?.lock === lock || overdue?.lock === lock;

/** How long the store is asked once the time is up: the process that holds the lock may just have finished. */
const LAST_LOOK_MS = 250;

async function findOnceMore(renewal: Renewal): Promise<FoundRecord> {
  const limit = startDeadline(LAST_LOOK_MS, undefined, renewal.session.client.clock);
  try {
    return await findSession({ ...renewal, limit });
  } finally {
    limit.clear();
  }
}

/** Pauses before the next look at the lock; resolves to true when the time is up. */
async function pauseForLock({ session, limit }: Renewal): Promise<boolean> {
  const waitedMs = session.client.timeoutMs - limit.remainingMs();
  await limit.wait(pollMs(session.client.random ?? Math.random, waitedMs)).catch(() => {});
  return limit.isPast;
}

/** A lock, and whether it is surely still held: a process that was stopped may have lost it. */
interface HeldLock {
  readonly lock: StoreLock;
  readonly isHeld: () => boolean;
}

/**
 * Exchanges the refresh token under the lock, and stores its successor. Undefined when the lock may have run out before
 * anything was sent, because the process was stopped: the refresh token may be another process's by now.
 */
async function renewUnderLock(
  renewal: Renewal,
  lock: StoreLock,
  leaseEnd: Instant,
): Promise<TokenAnswer | undefined> {
  const { session, context } = renewal;
  const held: HeldLock = { lock, isHeld: () => isBefore(clockOf(session), leaseEnd) };
  for (;;) {
    const found = await findSession(renewal);
    const answer = answerFrom(renewal, found);
    if (answer !== undefined) return answer;
    if (await putBackLatest(renewal, found)) continue;
    const spendable = await requireRefreshToken(renewal, found);
    if (context.signal.aborted) throw sessionClosedError();
    if (!held.isHeld()) return undefined;
    const attempt = await markAttempt(renewal, found, spendable);
    const exchanged = attempt && (await exchangeRefreshToken(renewal, held, attempt));
    if (attempt === undefined || exchanged === undefined) continue;
    const successor = successorOf(session, attempt, exchanged);
    const stored = await storeSuccessor(renewal, { successor, attempt, lock });
    if (stored === "stored") return { ...exchanged, token: successor.token };
    const adopted = answerFrom(renewal, stored);
    if (adopted !== undefined) return adopted;
  }
}

/**
 * Stores the latest record once more when the store has gone back to one before it. The refresh token in that one was
 * exchanged, and a second use would end the session.
 */
async function putBackLatest(renewal: Renewal, found: FoundRecord): Promise<boolean> {
  const { session, context } = renewal;
  const { latest } = session;
  if (latest === undefined || !isBehind(session, found)) return false;
  context.report("store_failed", lostWritesError());
  await writeSession(renewal, found, latest);
  return true;
}

/** A refresh token that the record says may have been sent. */
interface Attempt extends Spendable {
  readonly marked: FoundRecord;
  /** True when the mark is of an earlier attempt, whose answer was lost. */
  readonly wasMarked: boolean;
}

/** Marks in the store that a refresh token is about to be sent. Undefined when another process was faster. */
async function markAttempt(
  renewal: Renewal,
  found: FoundRecord,
  spendable: Spendable,
): Promise<Attempt | undefined> {
  const { record, refreshToken, name } = spendable;
  if (record.attempt === name) return { ...spendable, marked: found, wasMarked: true };
  const written: TokenRecord = { ...record, attempt: name };
  const version = await writeSession(renewal, found, written);
  // A store that does not answer with a version may have written all the same.
  const marked =
    typeof version === "number" ? { record: written, version, isCorrupt: false } : await findSession(renewal);
  const isMarked = marked.record?.attempt === name && marked.record.token.refreshToken === refreshToken;
  return isMarked ? { ...spendable, marked, wasMarked: false } : undefined;
}

/**
 * Sends the refresh token. Undefined when the store has to be read again: it has a newer refresh token, or the lock ran
 * out before anything was sent.
 */
async function exchangeRefreshToken(
  renewal: Renewal,
  held: HeldLock,
  attempt: Attempt,
): Promise<TokenAnswer | undefined> {
  const { session, limit } = renewal;
  const { client } = session;
  const request = refreshRequest({
    grant_type: "refresh_token",
    refresh_token: attempt.refreshToken,
    scope: session.scope,
  });
  // Until the lease ends: then another process may send the refresh token.
  const answerLimit = startDeadline(limit.remainingMs() + LOCK_RESERVE_MS, undefined, client.clock);
  const patience: AnswerPatience = { limit: answerLimit, isAwaiting: false };
  const exchanging = exchange(client, request, { limit, maySend: held.isHeld, patience }).finally(() =>
    answerLimit.clear(),
  );
  await limit.race(exchanging).catch(() => {});
  if (!patience.isAwaiting) return takeOutcome(renewal, held, attempt, exchanging);
  awaitOverdue(renewal, held.lock, attempt, exchanging, answerLimit);
  throw answerOverdueError(client.timeoutMs);
}

/**
 * Waits for an answer that is late, and stores the successor that it brings: the next call finds it. The callers of this
 * renewal have their error by then.
 */
function awaitOverdue(
  renewal: Renewal,
  lock: StoreLock,
  attempt: Attempt,
  exchanging: Promise<TokenAnswer>,
  answerLimit: Deadline,
): void {
  const { session, context } = renewal;
  const clock = clockOf(session);
  // The lease lasts as long as the answer is awaited. Extended, it also lasts while one of the last moment is stored.
  const leaseEnd = addMs(readInstant(clock), LOCK_RESERVE_MS);
  void extendLock(lock, answerLimit, LOCK_RESERVE_MS);
  // A logout and a login that have come since are worth more than the answer.
  const isWanted = (): boolean =>
    session.overdue === overdue && !session.isEnded && session.login === undefined;
  const takeAnswer = async (): Promise<void> => {
    await exchanging.catch(() => {});
    const limit = startDeadline(session.client.timeoutMs, undefined, session.client.clock);
    try {
      if (!isWanted()) return;
      const late = repeatRenewal(renewal, limit, context.report);
      const held: HeldLock = { lock, isHeld: () => isBefore(clock, leaseEnd) };
      const exchanged = await takeOutcome(late, held, attempt, exchanging);
      if (exchanged === undefined || !isWanted()) return;
      const successor = successorOf(session, attempt, exchanged);
      saveInBackground(late, createSave(late, { successor, attempt, lock }), lock);
    } catch {
      // What a refusal means is in the record, where the next call finds it.
    } finally {
      if (session.overdue === overdue) session.overdue = undefined;
      if (!isKept(session, lock)) await releaseLock(lock, limit);
      limit.clear();
    }
  };
  const overdue: OverdueRefresh = { lock, settled: takeAnswer() };
  session.overdue = overdue;
}

/**
 * The answer to a refresh token that was sent. When it brought no token, the record and the callers are told what that
 * means. Undefined as for {@link exchangeRefreshToken}.
 */
async function takeOutcome(
  renewal: Renewal,
  { isHeld }: HeldLock,
  attempt: Attempt,
  exchanging: Promise<TokenAnswer>,
): Promise<TokenAnswer | undefined> {
  const unmark = async (): Promise<void> => {
    // Once the lock may be another process's, the mark stands for its attempt as well.
    if (attempt.wasMarked || !isHeld()) return;
    await writeSession(renewal, attempt.marked, attempt.record).catch(() => {});
  };
  try {
    return await exchanging;
  } catch (error) {
    if (!isTalkdeskError(error)) {
      // A framework that steers itself by an error has sent nothing.
      if (isControlFlow(error)) await unmark();
      throw error;
    }
    if (isGrantRefused(error)) {
      const over = await markRefused(renewal, attempt, error);
      if (over !== undefined) throw await reportEnd(renewal, over, "refused", error);
      return undefined;
    }
    if (isRefusedAfterLoss(error)) {
      await markRefused(renewal, { ...attempt, wasMarked: true }, error).catch((reason: unknown) => {
        // What became of the refresh token is known, although the store could not be told.
        throw isTalkdeskError(reason) && reason.code === "store_unavailable" ? error : reason;
      });
      return undefined;
    }
    if (provesNoExchange(error)) await unmark();
    if (error.code === "token_network" && !isHeld()) return undefined;
    throw error;
  }
}

/** What a refresh token was exchanged for. */
interface Succession {
  readonly successor: TokenRecord;
  readonly attempt: Attempt;
  readonly lock: StoreLock;
}

function successorOf(session: SessionState, { record }: Attempt, exchanged: TokenAnswer): TokenRecord {
  const token = succeedToken(record.token, exchanged.token);
  noteOwner(token, session.place.owner);
  return recordOf(token, record, session.scope);
}

/**
 * Stores a successor. When the store fails, it is kept in memory and saved later. Resolves to what has taken its place
 * meanwhile, if something has; an empty record means that the session was ended.
 */
async function storeSuccessor(renewal: Renewal, succession: Succession): Promise<"stored" | FoundRecord> {
  const { session } = renewal;
  try {
    return await writeSuccessor(renewal, succession);
  } catch (error) {
    // A login that has started since is stored instead.
    if (session.isEnded || session.login !== undefined || !isTalkdeskError(error)) throw error;
    keepUnsaved(renewal, error, createSave(renewal, succession), succession.lock);
    return "stored";
  }
}

const createSave =
  (renewal: Renewal, succession: Succession): UnsavedWrite["save"] =>
  async (limit, report) => {
    await writeSuccessor(repeatRenewal(renewal, limit, report), succession);
  };

async function writeSuccessor(
  renewal: Renewal,
  { successor, attempt, lock }: Succession,
): Promise<"stored" | FoundRecord> {
  let place = attempt.marked;
  let fence: { readonly fence?: number } = { fence: lock.fence };
  for (;;) {
    if (await writeSession(renewal, place, successor, fence)) return "stored";
    const found = await findSession(renewal);
    const { record } = found;
    // The session was ended elsewhere.
    if (record === undefined && !found.isCorrupt) return found;
    if (record !== undefined) {
      const { value, refreshToken, issuedAt } = record.token;
      // An earlier write succeeded, and its answer was lost.
      if (value === successor.token.value) return "stored";
      const wasRotated = successor.token.refreshToken !== attempt.refreshToken;
      // Without rotation the refresh token does not tell the two apart, so the later access token wins.
      const isNewer = !wasRotated && issuedAt > successor.token.issuedAt;
      const isOther = refreshToken !== attempt.refreshToken || isNewer;
      if (isOther && !precedes(record, successor)) return found;
    }
    place = found;
    fence = {};
  }
}
