/** Random numbers that are the same in every run with one seed. */
export interface SeededRandom {
  /** From 0 up to, not including, 1. */
  next(): number;
  between(least: number, most: number): number;
  pick<T>(items: readonly T[]): T;
}

/** @see Mulberry32, a generator of 32 bits of state by Tommy Ettinger */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    pick(items) {
      const item = items[Math.floor(next() * items.length)];
      if (item === undefined) throw new Error("There is nothing to pick from.");
      return item;
    },
  };
}
