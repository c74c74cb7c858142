import { type Deadline, deadline } from "../base/deadline.js";
import { isTalkdeskError, type TalkdeskError } from "../base/errors.js";
import type { StoreLock } from "../store/token-store.js";
import type { TokenCallContext } from "../token/lifecycle.js";
import { type Call, clockOf, type SessionState, type Unsaved } from "./session-call.js";
import { ask, extendLock } from "./store-access.js";

/** Pauses between the attempts to save, in milliseconds: the first, doubling to the longest. */
const SAVE_PAUSE_MS = { first: 250, longest: 5_000 };

/**
 * A write that failed is repeated in the background until it succeeds or is superseded, and before the next refresh.
 * @internal
 */
export function keepUnsaved(
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

/**
 * Before anything is refreshed, what is in memory alone has to be in the store.
 * @internal
 */
export async function savedNow({ session, context, limit }: Call, unsaved: Unsaved): Promise<void> {
  await ask(limit, () => trySave(session, unsaved, context.report));
}

/** @internal */
export async function release(lock: StoreLock, limit: Deadline): Promise<void> {
  // It ends by itself.
  await ask(limit, () => lock.release()).catch(() => {});
}
