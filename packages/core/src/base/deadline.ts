import { type Clock, platformClock } from "./clock.js";
import { onAbort } from "./shared-abort.js";

/**
 * A limit on the whole of one call: its time, and its caller's patience.
 *
 * Time in which the process was stopped does not count (SIGSTOP, a closed lid, a frozen function): what has arrived
 * meanwhile lies in a socket, and timers run before sockets are read. A deadline that is late leaves time for that, and
 * when something has come, it begins anew.
 * @internal
 */
export interface Deadline {
  /** Aborted when either limit is reached; for what can be stopped. */
  readonly signal: AbortSignal;
  /** True once the time is up. The caller's own abort does not count. */
  readonly isPast: boolean;
  /** Milliseconds left; below zero when the time is up. */
  remainingMs(): number;
  /** Settles as `work` does, or rejects with the signal's reason as soon as a limit is reached. */
  race<T>(work: Promise<T>): Promise<T>;
  /** Resolves after `delayMs`, unless a limit is reached before. */
  wait(delayMs: number): Promise<void>;
  /** Takes the timer and the listener away. */
  clear(): void;
}

/** How late the timer of a running process may be, in milliseconds. Beyond that, it looks what has arrived first. */
const ON_TIME_MS = 2;

/** A process that is later than this, in milliseconds, was stopped. */
const STOPPED_MS = 100;

/** The most that a late deadline waits for what has arrived, in milliseconds. */
const GRACE_MS = 250;

/**
 * Starts counting `timeoutMs` milliseconds, on the monotonic clock. Until it is cleared or the time is up, the process
 * stays alive: somebody waits for the call, and what it waits for may have nothing that does.
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
  // Nobody may be waiting when a limit is reached.
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
  /** Counts the times that it began; 0 once it is cleared. A clock need not be able to forget a timer. */
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
        // On a clock of the caller's own, no time passes by waiting.
        const graceMs = clock === platformClock ? Math.min(lateMs, GRACE_MS) : 0;
        callAfterSockets(graceMs, () => isAwaited() && strike());
      }
    }, timeoutMs);
    (timer as { ref?: () => void } | undefined)?.ref?.();
  };
  start(1);
  /** After something has come: whether there is time to go on. A process that was stopped has all of it again. */
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
      // Before whoever waits for it: that goes on by the time that is left then.
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
        // Nothing else is awaited here that could still arrive.
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

/** Calls `callback` after `delayMs`, and once sockets were read after that. */
function callAfterSockets(delayMs: number, callback: () => void): void {
  const { setImmediate = (last: () => void) => setTimeout(last) } = globalThis as {
    setImmediate?: (callback: () => void) => unknown;
  };
  // Sockets are read before each; what comes out of one may take a turn or two to be an answer.
  const turns = (): unknown => setImmediate(() => setImmediate(() => setImmediate(callback)));
  if (delayMs === 0) turns();
  else setTimeout(turns, delayMs);
}
