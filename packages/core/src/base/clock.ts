/** What tells the time. Replaced in tests; the platform's own is looked up at every call, so fake timers work. */
export interface Clock {
  /** Wall-clock time in epoch milliseconds. It may step in either direction. */
  now(): number;
  /** Milliseconds since any fixed point. It never goes back; it may stand still while a machine sleeps. */
  monotonic(): number;
  /** Calls `callback` once, `delayMs` milliseconds from now. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Forgets a timer. Where it is absent, a timer that is no longer needed fires without effect. */
  clearTimeout?(timer: unknown): void;
}

/** @internal */
export const platformClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(callback, delayMs) {
    const timer: unknown = setTimeout(callback, delayMs);
    // Node's timers keep the process alive until they fire; browsers' are plain numbers.
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

/** @internal */
export function readInstant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/**
 * Milliseconds since `then`: the larger of what the two clocks say. The monotonic clock alone would miss the
 * time asleep, the wall clock alone would follow a step back.
 * @internal
 */
export function elapsedSince(clock: Clock, then: Instant): number {
  return Math.max(clock.monotonic() - then.monotonic, clock.now() - then.wall);
}

/** @internal */
export function addMs(than: Instant, byMs: number): Instant {
  return { wall: than.wall + byMs, monotonic: than.monotonic + byMs };
}

/**
 * Whether neither clock has reached `end`: {@link elapsedSince}, without the arithmetic.
 * @internal
 */
export function isBefore(clock: Clock, end: Instant): boolean {
  return clock.now() < end.wall && clock.monotonic() < end.monotonic;
}
