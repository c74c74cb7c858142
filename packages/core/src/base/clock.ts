/**
 * Tells the time, and waits. Tests replace it. The default looks up the platform's functions at every call, so fake
 * timers work too.
 */
export interface Clock {
  /** Returns wall-clock time in epoch milliseconds. It may step in either direction. */
  now(): number;
  /** Returns milliseconds since any fixed point. It never goes back; it may stand still while the machine sleeps. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Cancels a timer. Without this function, timers that are no longer needed fire without effect. */
  clearTimeout?(timer: unknown): void;
}

/**
 * The platform's clocks and timers.
 * @internal
 */
export const platformClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, delayMs) {
    const timer: unknown = setTimeout(callback, delayMs);
    // A timer of Node keeps the process alive until it fires. In browsers, a timer is a number.
    (timer as { unref?: () => void }).unref?.();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as Parameters<typeof clearTimeout>[0]),
};

/**
 * One instant on both clocks.
 * @internal
 */
export interface Instant {
  readonly wall: number;
  readonly monotonic: number;
}

/**
 * Reads both clocks.
 * @internal
 */
export function readInstant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * Returns the milliseconds since `then`, by the clock on which more time has passed. The monotonic clock alone would
 * miss time asleep, and the wall clock alone would follow a step back.
 * @internal
 */
export function elapsedSince(clock: Clock, then: Instant): number {
  return Math.max(clock.monotonic() - then.monotonic, clock.now() - then.wall);
}

/**
 * Returns the instant `byMs` milliseconds after another.
 * @internal
 */
export function addMs(than: Instant, byMs: number): Instant {
  return { wall: than.wall + byMs, monotonic: than.monotonic + byMs };
}

/**
 * True while neither clock has reached `end`.
 * @internal
 */
export function isBefore(clock: Clock, end: Instant): boolean {
  return clock.now() < end.wall && clock.monotonic() < end.monotonic;
}
