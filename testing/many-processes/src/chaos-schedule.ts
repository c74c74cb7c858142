import type { SeededRandom } from "./seeded-random.js";
import type { WireFault, WirePoint } from "./token-wire.js";

/** Core's lease of a lock is longer than `timeoutMs` by this, in milliseconds. */
export const LEASE_RESERVE_MS = 5_000;

const leaseMs = (timeoutMs: number): number => timeoutMs + LEASE_RESERVE_MS;

/** What goes wrong at one moment of a run. */
export type Mishap =
  /** A process is killed and started again: the one whose refresh next comes to this point, or any one. */
  | { readonly kind: "kill"; readonly point: WirePoint | "any"; readonly restartAfterMs: number }
  /** A process is stopped, for longer than its lease, and continues. */
  | { readonly kind: "stop"; readonly point: WirePoint | "any"; readonly forMs: number }
  /** Something happens to the next refresh. */
  | { readonly kind: "fault"; readonly fault: WireFault }
  /** A user logs out, and logs in again after a while. */
  | { readonly kind: "logout"; readonly returnAfterMs: number }
  /** The store cannot be used: a SQLite file is locked, a Redis is paused. */
  | { readonly kind: "block-store"; readonly forMs: number }
  /** Redis: stopped and started again. */
  | { readonly kind: "restart-store"; readonly downMs: number }
  /** Redis: its scripts are forgotten. */
  | { readonly kind: "flush-scripts" };

/** A mishap and its time, in milliseconds since the beginning. */
export interface ScheduledMishap {
  readonly atMs: number;
  readonly mishap: Mishap;
}

/** From a pause that nobody notices to one that every call of the store gives up in, in milliseconds. */
const BLOCK_MS = [100, 2_500] as const;

const POINTS = ["arrived", "answered", "delivered", "any"] as const;

/** Makes the schedule of a run. Each kind comes once before any comes twice. */
export function makeSchedule(
  random: SeededRandom,
  { seconds, timeoutMs, store }: { seconds: number; timeoutMs: number; store: "sqlite" | "redis" },
): readonly ScheduledMishap[] {
  const lease = leaseMs(timeoutMs);
  const makers: readonly (() => Mishap)[] = [
    () => ({ kind: "stop", point: random.pick(POINTS), forMs: lease + random.between(300, 1_500) }),
    () => ({ kind: "kill", point: random.pick(POINTS), restartAfterMs: random.between(100, 1_500) }),
    () => ({ kind: "fault", fault: { kind: "lose" } }),
    () => ({ kind: "fault", fault: { kind: "cut" } }),
    () => ({ kind: "logout", returnAfterMs: random.between(50, 1_000) }),
    () => ({ kind: "fault", fault: { kind: "delay", ms: random.between(50, timeoutMs / 2) } }),
    () => ({ kind: "fault", fault: { kind: "delay", ms: lease + random.between(100, 1_000) } }),
    // After the time of the call, and before the lease ends: the successor must not be lost.
    () => ({ kind: "fault", fault: { kind: "delay", ms: random.between(timeoutMs + 100, lease - 2_500) } }),
    () => ({ kind: "block-store", forMs: random.between(...BLOCK_MS) }),
    () => ({ kind: "logout", returnAfterMs: random.between(50, 1_000) }),
    ...(store === "redis"
      ? ([
          () => ({ kind: "restart-store", downMs: random.between(100, 1_500) }),
          () => ({ kind: "flush-scripts" }),
        ] satisfies (() => Mishap)[])
      : []),
  ];
  const endMs = seconds * 1_000;
  const paceMs = Math.min(700, (0.8 * endMs) / makers.length);
  const schedule: ScheduledMishap[] = [];
  for (let atMs = 100, index = 0; atMs < endMs; atMs += random.between(0.5, 1.5) * paceMs, index += 1) {
    const make = makers[index] ?? random.pick(makers);
    schedule.push({ atMs, mishap: make() });
  }
  return schedule;
}
