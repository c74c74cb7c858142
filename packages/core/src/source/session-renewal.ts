import { type Instant, instant, isBefore, later } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { deadline } from "../base/deadline.js";
import { isTalkdeskError, TalkdeskError } from "../base/errors.js";
import type { StoreLock } from "../store/token-store.js";
import { successorOf } from "../token/access-token.js";
import type { TokenAnswer, TokenCallContext } from "../token/lifecycle.js";
import { exchange } from "../token-endpoint/request-token.js";
import { noteOwner } from "../token-endpoint/token-owner.js";
import {
  type Call,
  clockOf,
  find,
  type Login,
  MAX_CONFLICTS,
  recordOf,
  repeated,
  type SessionState,
  sessionClosed,
  shared,
  sharedForNow,
  type Unsaved,
  write,
} from "./session-call.js";
import {
  ended,
  isGrantRefused,
  REFUSED_FOR_GOOD,
  refusedSession,
  saysNothingExchanged,
  spendableToken,
} from "./session-end.js";
import { type FoundRecord, faultsOnce, pollMs, takeLock } from "./store-access.js";
import type { TokenRecord } from "./token-record.js";
import { keepUnsaved, release, savedNow } from "./unsaved-write.js";

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
  let isWithdrawn = false;
  const context: TokenCallContext = {
    ...callContext,
    report: faultsOnce(callContext.report),
    withdraw() {
      isWithdrawn = true;
      callContext.withdraw();
    },
  };
  // Not by the signal of the source: what was sent has to be heard and stored.
  const limit = deadline(session.client.timeoutMs, undefined, session.client.clock);
  const call: Call = { session, context, limit, conflicts: { left: MAX_CONFLICTS } };
  try {
    if (session.unsaved !== undefined) await savedNow(call, session.unsaved);
    const { found, answer = shared(call, found) } = await storedLogin(call);
    try {
      const fresh = answer ?? (await lockedRenewal(call, found));
      session.endReported = false;
      return fresh;
    } catch (error) {
      // One that ends sooner than it is needed is better than no token.
      const short = sharedForNow(call, found);
      if (isWithdrawn || short === undefined || !isTalkdeskError(error)) throw error;
      return short;
    }
  } finally {
    limit.clear();
  }
}

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
    const answer = sharedForNow(call, { record, version: 0, isCorrupt: false });
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

const lockTimeout = (): TalkdeskError =>
  new TalkdeskError(
    "lock_timeout",
    "Another process holds the session's lock and has not finished; ask again. If it crashed, the lock ends by itself.",
  );
