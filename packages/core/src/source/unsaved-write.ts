import { startDeadline } from "../base/deadline.js";
import { isTalkdeskError, type TalkdeskError } from "../base/errors.js";
import type { StoreLock } from "../store/token-store.js";
import type { ReportEvent } from "../token/token-call.js";
import { clockOf, type Renewal, type SessionState, type UnsavedWrite } from "./session-state.js";
import { ask, extendLock, releaseLock } from "./store-access.js";

/** Pauses between two saves, in milliseconds: short at first, since most stores are back soon, doubling to the longest. */
const SAVE_PAUSE_MS = { first: 250, longest: 5_000 };

/**
 * Keeps a write that failed, and repeats it in the background until it succeeds or is superseded.
 * @internal
 */
export function keepUnsaved(
  { session, context }: Renewal,
  error: TalkdeskError,
  save: UnsavedWrite["save"],
  lock: StoreLock | undefined,
): void {
  context.report("store_failed", error);
  session.unsaved = { save, lock, saving: undefined, failures: 1 };
  scheduleSave(session, session.unsaved, context.report);
}

/**
 * Saves what no caller waits for. If that fails, it is kept and saved again, as {@link keepUnsaved} does.
 * @internal
 */
export function saveInBackground(
  { session, context: { report } }: Renewal,
  save: UnsavedWrite["save"],
  lock: StoreLock,
): void {
  const unsaved: UnsavedWrite = { save, lock, saving: undefined, failures: 0 };
  session.unsaved = unsaved;
  trySave(session, unsaved, report).catch(() => scheduleSave(session, unsaved, report));
}

function scheduleSave(session: SessionState, unsaved: UnsavedWrite, report: ReportEvent): void {
  if (session.unsaved !== unsaved) return;
  const delayMs = Math.min(SAVE_PAUSE_MS.longest, SAVE_PAUSE_MS.first * 2 ** (unsaved.failures - 1));
  unsaved.timer = clockOf(session).setTimeout(() => {
    if (session.unsaved !== unsaved) return;
    trySave(session, unsaved, report).catch(() => scheduleSave(session, unsaved, report));
  }, delayMs);
}

/**
 * Gives up the write that failed, or the answer that is late, and returns the lock that was held for it.
 * @internal
 */
export function forgetUnsaved(session: SessionState): StoreLock | undefined {
  const { unsaved, overdue } = session;
  session.unsaved = undefined;
  session.overdue = undefined;
  clockOf(session).clearTimeout?.(unsaved?.timer);
  return (unsaved ?? overdue)?.lock;
}

/**
 * Saves what is not saved yet, and gives it up after `timeoutMs`. Its lock is then left to run out, because the refresh
 * token in the store was exchanged already and is of no use to the next process.
 * @internal
 */
export async function saveBeforeClose(session: SessionState, report: ReportEvent): Promise<void> {
  const limit = startDeadline(session.client.timeoutMs, undefined, session.client.clock);
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

/** Saves once, however many callers wait for it. */
function trySave(session: SessionState, unsaved: UnsavedWrite, report: ReportEvent): Promise<void> {
  unsaved.saving ??= (async () => {
    const { lock } = unsaved;
    const limit = startDeadline(session.client.timeoutMs, undefined, session.client.clock);
    try {
      // Until the next save: while the lock is held, no other process spends the refresh token that was exchanged. Not
      // awaited, because a store that cannot extend locks may still be able to write.
      if (lock !== undefined) void extendLock(lock, limit, session.client.timeoutMs + SAVE_PAUSE_MS.longest);
      await unsaved.save(limit, report);
      if (session.unsaved === unsaved) forgetUnsaved(session);
      if (lock !== undefined) await releaseLock(lock, limit);
    } catch (error) {
      unsaved.failures += 1;
      if (isTalkdeskError(error) && !session.isEnded) report("store_failed", error);
      throw error;
    } finally {
      limit.clear();
      unsaved.saving = undefined;
    }
  })();
  return unsaved.saving;
}

/**
 * Saves what is in memory alone, as has to be done before anything is refreshed.
 * @throws
 * - TalkdeskError (rejection) `store_unavailable`: the store failed again.
 * @internal
 */
export async function saveNow({ session, context, limit }: Renewal, unsaved: UnsavedWrite): Promise<void> {
  await ask(limit, () => trySave(session, unsaved, context.report));
}
