import type { Clock, TokenStore } from "@talkdesk-oauth/core";
import { isWithin } from "../base/bounded-wait.js";

/** Who is signed in, as far as this process knows. The token store decides, and its answers are remembered here. */
export interface SignIns {
  /**
   * True while the token store has the sign-in. The store is asked at most every ten seconds for each sign-in; a store
   * that fails, or hangs for two seconds, signs nobody out. False at once for a sign-in that was ended here. Not a promise
   * when the answer is known, as for most requests.
   */
  isSignedIn(key: string, clock: Clock | undefined): boolean | Promise<boolean>;
  /** True when a sign-in was ended here, or the store no longer had it when it was last asked. */
  isEnded(key: string): boolean;
  /** Remembers that the store has the sign-in. */
  noteStart(key: string, clock: Clock | undefined): void;
  /** Remembers that the sign-in has ended. */
  noteEnd(key: string): void;
  /**
   * Takes a one-minute lock in the store: true for one caller in all processes, false for all others. While the store
   * fails or hangs, several callers may get true.
   */
  claim(name: string): Promise<boolean>;
}

/** Options of {@link signIns}. */
export interface SignInsOptions {
  readonly store: TokenStore;
  /** True for a sign-in that the store does not have yet, since it could not be written. */
  isUnsaved(key: string): boolean;
  /** Called with a sign-in that the store no longer has. */
  onEnd(key: string): void;
}

/** One question to the store: is this person still signed in? */
interface Check {
  readonly wall: number;
  readonly monotonic: number;
  /** Resolves when the store has answered or failed. */
  readonly done: Promise<unknown>;
  isDone: boolean;
}

/** Remembers the last 10,000 sign-outs, so that requests already running cannot revive a session. */
const MAX_ENDED = 10_000;

/** The number of answers of the store that are remembered. */
const MAX_CHECKS = 10_000;

/** How long an answer of the store is used. */
const CHECK_INTERVAL_MS = 10_000;

/** The longest that a request waits for a store that hangs. */
export const STORE_PATIENCE_MS = 2_000;

/** Longer than the time between two processes that handle the same request. */
const CLAIM_MS = 60_000;

/** Asks the token store who is signed in. */
export function signIns({ store, isUnsaved, onEnd }: SignInsOptions): SignIns {
  /** In the order in which they end. */
  const ended = new Set<string>();
  /** In the order in which they were asked. */
  const checks = new Map<string, Check>();

  function noteEnd(key: string): void {
    checks.delete(key);
    forgetOldest(ended, MAX_ENDED);
    ended.add(key);
  }

  function noteCheck(key: string, { now, monotonic }: Times, done: Promise<unknown>): Check {
    const check: Check = { wall: now, monotonic, done, isDone: false };
    const noteDone = (): void => {
      check.isDone = true;
    };
    done.then(noteDone, noteDone);
    checks.delete(key);
    forgetOldest(checks, MAX_CHECKS);
    checks.set(key, check);
    return check;
  }

  async function ask(key: string): Promise<void> {
    if ((await store.read(key)) !== undefined || isUnsaved(key) || ended.has(key)) return;
    noteEnd(key);
    onEnd(key);
  }

  function askAgain(key: string, times: Times): Check {
    // A store that fails says nothing about who is signed in. An answer that comes late still counts.
    const answer = ask(key).catch(() => {});
    return noteCheck(key, times, isWithin(STORE_PATIENCE_MS, answer));
  }

  return {
    isSignedIn(key, clock) {
      if (ended.has(key)) return false;
      const times = timesOf(clock);
      const last = checks.get(key);
      const check = last !== undefined && isRecent(last, times) ? last : askAgain(key, times);
      return check.isDone || check.done.then(() => !ended.has(key));
    },
    isEnded: (key) => ended.has(key),
    noteStart(key, clock) {
      noteCheck(key, timesOf(clock), Promise.resolve());
    },
    noteEnd,
    async claim(name) {
      let isTaken = false;
      const asked = async (): Promise<void> => {
        // Never released: it ends by itself.
        isTaken = (await store.lock(name, { ttlMs: CLAIM_MS })) === undefined;
      };
      await isWithin(
        STORE_PATIENCE_MS,
        asked().catch(() => {}),
      );
      return !isTaken;
    },
  };
}

interface Times {
  readonly now: number;
  readonly monotonic: number;
}

const timesOf = (clock: Clock | undefined): Times => ({
  now: clock === undefined ? Date.now() : clock.now(),
  monotonic: clock === undefined ? performance.now() : clock.monotonic(),
});

/** An answer from the future is not used: the clock was set back. */
function isRecent({ wall, monotonic }: Check, times: Times): boolean {
  return isWithinInterval(times.now - wall) && isWithinInterval(times.monotonic - monotonic);
}

const isWithinInterval = (elapsedMs: number): boolean => elapsedMs >= 0 && elapsedMs < CHECK_INTERVAL_MS;

/** Makes room for one more. */
function forgetOldest(kept: Map<string, unknown> | Set<string>, limit: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size < limit) return;
    kept.delete(oldest);
  }
}
