import type { Random } from "./random.js";

/** How probable each fault is, per operation or per call. All are 0 in a calm run, and at the end of every run. */
export interface Faults {
  /** One operation of the store fails, hangs, is slow, or has its answer lost. */
  store: number;
  /** One request to the token endpoint is lost, delayed or refused, or has its answer lost. */
  network: number;
  /** The process is killed just before or just after one operation takes effect. */
  kill: number;
  /** The process is stopped there, for less or more than the lease of a lock. */
  stop: number;
}

export function drawFaults(random: Random): Faults {
  if (random.chance(0.15)) return { store: 0, network: 0, kill: 0, stop: 0 };
  const draw = (most: number): number => (random.chance(0.5) ? 0 : random.between(0, most));
  return { store: draw(0.1), network: draw(0.3), kill: draw(0.03), stop: draw(0.03) };
}

export const isCalm = (faults: Faults): boolean => Object.values(faults).every((chance) => chance === 0);

export function endFaults(faults: Faults): void {
  Object.assign(faults, { store: 0, network: 0, kill: 0, stop: 0 } satisfies Faults);
}
