import { type Clock, platformClock } from "./clock.js";
import { onAbort } from "./shared-abort.js";

/**
 * A limit on the whole of one call: its time, and its caller's patience.
 * @internal
 */
export interface Deadline {
  /** Aborted when either limit is reached; for what can be stopped. */
  readonly signal: AbortSignal;
  /** True once the time is up. The caller's own abort does not count. */
  readonly isPast: boolean;
  /** Milliseconds left. */
  remainingMs(): number;
  /** Settles as `work` does, or rejects with the signal's reason as soon as a limit is reached. */
  race<T>(work: Promise<T>): Promise<T>;
  /** Resolves after `delayMs`, unless a limit is reached before. */
  wait(delayMs: number): Promise<void>;
  /** Takes the timer and the listener away. */
  clear(): void;
}

/**
 * Starts counting `timeoutMs` milliseconds, on the monotonic clock.
 * @internal
 */
export function deadline(timeoutMs: number, caller?: AbortSignal, clock: Clock = platformClock): Deadline {
  const startedAt = clock.monotonic();
  const controller = new AbortController();
  const limits: { reject?: (reason: unknown) => void } = {};
  const reached = new Promise<never>((_, reject) => {
    limits.reject = reject;
  });
  // Nobody may be waiting when a limit is reached.
  reached.catch(() => {});

  let isPast = false;
  const stop = (reason: unknown): void => {
    controller.abort(reason);
    limits.reject?.(reason);
  };
  const timer = clock.setTimeout(() => {
    isPast = true;
    stop(new DOMException("The token call took too long.", "TimeoutError"));
  }, timeoutMs);
  const abandon = (): void => stop(caller?.reason);
  if (caller?.aborted) abandon();
  const stopListening = caller === undefined || caller.aborted ? () => {} : onAbort(caller, abandon);

  const race = <T>(work: Promise<T>): Promise<T> => Promise.race([work, reached]);
  return {
    signal: controller.signal,
    get isPast() {
      return isPast;
    },
    remainingMs: () => timeoutMs - (clock.monotonic() - startedAt),
    race,
    async wait(delayMs) {
      const timers: { pause?: unknown } = {};
      const pause = new Promise<void>((resolve) => {
        timers.pause = clock.setTimeout(resolve, delayMs);
        // Between two attempts there is no socket to keep the process alive, and somebody may be waiting for the call.
        (timers.pause as { ref?: () => void } | undefined)?.ref?.();
      });
      try {
        await race(pause);
      } finally {
        clock.clearTimeout?.(timers.pause);
      }
    },
    clear() {
      clock.clearTimeout?.(timer);
      stopListening();
    },
  };
}
