/** How often the meter looks, in milliseconds. */
const TICK_MS = 40;

/** A stall of this length, in milliseconds, may make a deadline begin anew: core takes the process to have been stopped. */
const LONG_STALL_MS = 100;

/** What a process has missed so far. */
interface Stalls {
  /** How long its event loop stood still, in milliseconds. */
  readonly ms: number;
  /** How often it stood still for long. */
  readonly long: number;
}

export interface StallMeter {
  /** The stalls so far, the one that is under way included. */
  read(): Stalls;
  stop(): void;
}

/**
 * Measures how long this process did not run: it was stopped, or the machine was busy with others. Time limits of a test are
 * compared with what is left after that.
 */
export function startStallMeter(): StallMeter {
  let ms = 0;
  let long = 0;
  let lastTick = performance.now();
  function look(): void {
    const now = performance.now();
    const missed = now - lastTick - TICK_MS;
    lastTick = now;
    if (missed <= 0) return;
    ms += missed;
    if (missed >= LONG_STALL_MS) long += 1;
  }
  const timer = setInterval(look, TICK_MS);
  return {
    read() {
      look();
      return { ms, long };
    },
    stop: () => clearInterval(timer),
  };
}
