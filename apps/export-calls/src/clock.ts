import { setTimeout as delay } from "node:timers/promises";

/** How time passes while the export waits. Replaced in tests. */
export interface Clock {
  /** Milliseconds since any fixed point. */
  now(): number;
  /** Resolves `ms` milliseconds from now; rejects when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** The machine's own time. */
export const platformClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, { signal }),
};
