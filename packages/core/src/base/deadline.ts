import { type Clock, platformClock } from "./clock.js";
import { onAbort } from "./shared-abort.js";

/**
 * Ends a whole call, when its time is up or when its caller aborts.
 *
 * Time in which the process was stopped (SIGSTOP, a closed lid, a frozen function) does not count. An answer that came
 * meanwhile waits in a socket, and timers run before sockets are read. A deadline that fires late therefore lets the
 * sockets be read first, and starts again when something has arrived.
 * @internal
 */
export interface Deadline {
  /** Aborts when the time is up or the caller aborts. */
  readonly signal: AbortSignal;
  /** True once the time is up. Stays false when the caller aborts. */
  readonly isPast: boolean;
  /** Returns the milliseconds left, below zero once the time is up. */
  remainingMs(): number;
  /** Settles as `work` does, or rejects with the signal's reason if that aborts first. */
  race<T>(work: Promise<T>): Promise<T>;
  /** Resolves after `delayMs` milliseconds, or rejects with the signal's reason if that aborts first. */
  wait(delayMs: number): Promise<void>;
  /** Removes the timer and the listener. */
  clear(): void;
}

/** How late a timer may fire, in milliseconds, before the deadline lets sockets be read first. */
const ON_TIME_MS = 2;

/** A process whose timer fires later than this, in milliseconds, is taken to have been stopped. */
const STOPPED_MS = 100;

/** The longest that a late deadline waits for what has arrived, in milliseconds. */
const GRACE_MS = 250;

/**
 * Starts a deadline of `timeoutMs` milliseconds on the monotonic clock. It keeps the process alive until it is cleared
 * or fires: a caller is waiting, and nothing else may keep the process alive for it.
 * @internal
 */
export function startDeadline(
  timeoutMs: number,
  caller?: AbortSignal,
  clock: Clock = platformClock,
): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  const limits: { reject?: (reason: unknown) => void } = {};
  const reached = new Promise<never>((_, reject) => {
    limits.reject = reject;
  });
  // Prevents an unhandled rejection when nothing is raced against the deadline.
  reached.catch(() => {});

  const stop = (reason: unknown): void => {
    controller.abort(reason);
    limits.reject?.(reason);
  };
  let isPast = false;
  const strike = (): void => {
    isPast = true;
    stop(new DOMException("The token call took too long.", "TimeoutError"));
  };

  let startedAt = clock.monotonic();
  const remainingMs = (): number => timeoutMs - (clock.monotonic() - startedAt);
  let timer: unknown;
  /** Counts how often the deadline has started; 0 once cleared. Tells apart timers that a clock cannot cancel. */
  let round = 0;
  const start = (mine: number): void => {
    round = mine;
    startedAt = clock.monotonic();
    const isAwaited = (): boolean => round === mine && !signal.aborted;
    timer = clock.setTimeout(() => {
      if (!isAwaited()) return;
      const lateMs = -remainingMs();
      if (lateMs <= ON_TIME_MS) strike();
      else {
        // On a clock of the caller's own, waiting takes no time.
        const graceMs = clock === platformClock ? Math.min(lateMs, GRACE_MS) : 0;
        callAfterSockets(graceMs, () => isAwaited() && strike());
      }
    }, timeoutMs);
    (timer as { ref?: () => void } | undefined)?.ref?.();
  };
  start(1);
  /** True when there is time left after something has arrived. A process that was stopped gets its whole time again. */
  const mayGoOn = (): boolean => {
    if (remainingMs() >= -STOPPED_MS) return remainingMs() > 0;
    clock.clearTimeout?.(timer);
    if (round > 0 && !signal.aborted) start(round + 1);
    return true;
  };

  const abandon = (): void => stop(caller?.reason);
  if (caller?.aborted) abandon();
  const stopListening = caller === undefined || caller.aborted ? () => {} : onAbort(caller, abandon);

  return {
    signal,
    get isPast() {
      return isPast;
    },
    remainingMs,
    race<T>(work: Promise<T>): Promise<T> {
      // Runs before the code that awaits the result, which then sees the time that is left.
      Promise.resolve(work).then(mayGoOn, mayGoOn);
      return Promise.race([work, reached]);
    },
    async wait(delayMs) {
      const timers: { pause?: unknown } = {};
      const pause = new Promise<void>((resolve) => {
        timers.pause = clock.setTimeout(resolve, delayMs);
        (timers.pause as { ref?: () => void } | undefined)?.ref?.();
      });
      try {
        await Promise.race([pause, reached]);
        // This waits for nothing that could still arrive, so a late deadline counts at once.
        if (!mayGoOn()) strike();
        if (isPast) await reached;
      } finally {
        clock.clearTimeout?.(timers.pause);
      }
    },
    clear() {
      round = 0;
      clock.clearTimeout?.(timer);
      stopListening();
    },
  };
}

/** Calls `callback` after `delayMs` milliseconds, once the sockets have been read. */
function callAfterSockets(delayMs: number, callback: () => void): void {
  const { setImmediate = (last: () => void) => setTimeout(last) } = globalThis as {
    setImmediate?: (callback: () => void) => unknown;
  };
  // Each turn reads the sockets first. An answer may take two turns from its socket to its promise.
  const turns = (): unknown => setImmediate(() => setImmediate(() => setImmediate(callback)));
  if (delayMs === 0) turns();
  else setTimeout(turns, delayMs);
}
