import type { Clock } from "@talkdesk-oauth/core";

export interface LeapingClock extends Clock {
  /** Every wait that was asked for and has ended, in milliseconds and in order. */
  readonly waits: readonly number[];
  /** How many timers are set and have neither fired nor been cleared. */
  readonly timerCount: number;
  /** Lets time pass; timers that are due fire. */
  advance(ms: number): void;
}

/**
 * A clock on which time passes by waiting alone: a wait that is shorter than `timeoutMs` ends at once and moves the
 * clock by its length. Longer ones are deadlines; they fire when the clock has come so far.
 */
export function leapingClock(timeoutMs = 10_000, startedAt = Date.UTC(2026, 0, 2, 3, 4, 5)): LeapingClock {
  const waits: number[] = [];
  const timers = new Map<number, { readonly dueAt: number; readonly callback: () => void }>();
  let elapsed = 0;
  let lastTimer = 0;
  const advance = (ms: number): void => {
    elapsed += ms;
    for (const [timer, { dueAt, callback }] of timers) {
      if (dueAt > elapsed) continue;
      timers.delete(timer);
      callback();
    }
  };
  return {
    waits,
    get timerCount() {
      return timers.size;
    },
    advance,
    now: () => startedAt + elapsed,
    monotonic: () => elapsed,
    setTimeout(callback, delayMs) {
      lastTimer += 1;
      const timer = lastTimer;
      timers.set(timer, { dueAt: elapsed + delayMs, callback });
      if (delayMs < timeoutMs) {
        setImmediate(() => {
          if (!timers.has(timer)) return;
          waits.push(delayMs);
          advance(delayMs);
        });
      }
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as number),
  };
}
