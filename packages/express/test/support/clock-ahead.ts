import type { Clock } from "@talkdesk-oauth/core";

/** The platform's clock, ahead by as much as a test says. */
export interface ClockAhead extends Clock {
  aheadMs: number;
}

/** Makes such a clock, on time. */
export function clockAhead(): ClockAhead {
  const clock: ClockAhead = {
    aheadMs: 0,
    now: () => Date.now() + clock.aheadMs,
    monotonic: () => performance.now() + clock.aheadMs,
    setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
    clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  };
  return clock;
}
