import type { Clock } from "@talkdesk-oauth/core";
import type { Happening, VirtualTime } from "./virtual-time.js";

/** The wall clock at the start: ahead of the machine's, since core keeps records for as long as the later of the two says. */
export const EPOCH = Date.UTC(2126, 0, 1);

/** One process. Nothing of it happens after it was killed, and nothing while it is stopped. */
export interface SimulatedProcess {
  readonly number: number;
  readonly clock: Clock;
  readonly isAlive: boolean;
  /** The instants at which it has been continued after a stop. */
  readonly continuedAt: readonly number[];
  readonly isStopped: boolean;
  /** Whether its wall clock has ever been set. */
  readonly hasOtherTime: boolean;
  kill(): void;
  stopFor(durationMs: number): void;
  /** Sets its wall clock forward, or back. */
  setClock(byMs: number): void;
  /** Delivers a message after a delay: later when it is stopped then, never when it is dead. */
  deliver(delayMs: number, message: () => void): void;
}

export function simulatedProcess(time: VirtualTime, number: number, onStop: () => void): SimulatedProcess {
  let isAlive = true;
  let isStopped = false;
  let stopEndsAt = 0;
  let offsetMs = 0;
  const startedAt = time.now;
  const continuedAt: number[] = [];
  /** Timers that were due while it was stopped, and messages that lie in its sockets. */
  const overdue: (() => void)[] = [];
  const arrived: (() => void)[] = [];

  const proceed = (): void => {
    if (!isAlive || time.now < stopEndsAt) return;
    isStopped = false;
    continuedAt.push(time.now);
    // As in Node: timers run before sockets are read.
    for (const happen of [...overdue.splice(0), ...arrived.splice(0)])
      time.plan(0, () => isAlive && happen());
    time.plan(0, () => time.turnEventLoop());
  };

  return {
    number,
    continuedAt,
    get isAlive() {
      return isAlive;
    },
    get isStopped() {
      return isStopped;
    },
    get hasOtherTime() {
      return offsetMs !== 0;
    },
    clock: {
      now: () => EPOCH + time.now + offsetMs,
      monotonic: () => time.now - startedAt,
      setTimeout(callback, delayMs) {
        const timer = time.plan(delayMs, () => {
          if (!isAlive) return;
          if (isStopped) overdue.push(() => timer.isCancelled || callback());
          else callback();
        });
        return timer;
      },
      clearTimeout(timer) {
        if (timer !== undefined) (timer as Happening).isCancelled = true;
      },
    },
    kill() {
      isAlive = false;
    },
    stopFor(durationMs) {
      isStopped = true;
      onStop();
      stopEndsAt = Math.max(stopEndsAt, time.now + durationMs);
      time.plan(durationMs, proceed);
    },
    setClock(byMs) {
      offsetMs += byMs;
    },
    deliver(delayMs, message) {
      time.plan(delayMs, () => {
        if (!isAlive) return;
        if (isStopped) arrived.push(message);
        else message();
      });
    },
  };
}
