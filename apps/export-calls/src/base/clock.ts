import { setTimeout as delay } from "node:timers/promises";

/** The time that waits use. Tests replace it. */
export interface Clock {
  /** Milliseconds since an arbitrary fixed point. */
  now(): number;
  /** Resolves `ms` milliseconds from now; rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The clock of the platform. */
export const platformClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
