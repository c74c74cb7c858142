import { memoryStore, type StoreLock, type TokenStore } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

/** The history of one key, and the results that the contract requires. It remembers everything, unlike the store. */
class History {
  readonly versions: number[] = [];
  readonly locks: StoreLock[] = [];
  /** The latest fence that has written. */
  fence = 0;
  #record: { readonly value: string; readonly version: number; readonly expiresAt: number } | undefined;
  #held: { readonly fence: number; readonly until: number } | undefined;

  get record(): { readonly value: string; readonly version: number } | undefined {
    if (this.#record === undefined || this.#record.expiresAt <= Date.now()) return undefined;
    return { value: this.#record.value, version: this.#record.version };
  }

  get isHeld(): boolean {
    return this.#held !== undefined && performance.now() < this.#held.until;
  }

  /** Whether that is the fence of the last lock, and nobody has released it. */
  isLast(fence: number | undefined): boolean {
    return this.#held?.fence === fence;
  }

  wrote(value: string, version: number, expiresAt: number, fence: number): void {
    this.fence = Math.max(this.fence, fence);
    this.#record = { value, version, expiresAt };
    this.versions.push(version);
  }

  deleted(): void {
    this.#record = undefined;
  }

  locked(lock: StoreLock, ttlMs: number): void {
    this.locks.push(lock);
    this.#held = { fence: lock.fence, until: performance.now() + ttlMs };
  }

  extended(lock: StoreLock, ttlMs: number): boolean {
    if (!this.isHeld || this.#held?.fence !== lock.fence) return false;
    this.#held = { fence: lock.fence, until: performance.now() + ttlMs };
    return true;
  }

  released(lock: StoreLock): void {
    if (this.#held?.fence === lock.fence) this.#held = undefined;
  }
}

interface Stage {
  readonly store: TokenStore;
  readonly history: (key: string) => History;
}

/** One step of a history: does something to the store, and says what must come of it. */
type Step = (stage: Stage) => Promise<void>;

/** How often the store refused what it could have taken, had it remembered everything. */
const liberties = { writes: 0, refusals: 0 };

const read =
  (key: string): Step =>
  async ({ store, history }) => {
    expect(await store.read(key)).toEqual(history(key).record);
  };

const remove =
  (key: string): Step =>
  async ({ store, history }) => {
    await store.delete(key);
    history(key).deleted();
  };

const lock =
  (key: string, ttlMs: number): Step =>
  async ({ store, history }) => {
    const of = history(key);
    const { isHeld } = of;
    const taken = await store.lock(key, { ttlMs });
    expect(taken === undefined).toBe(isHeld);
    if (taken === undefined) return;
    expect(taken.fence).toBeGreaterThan(of.locks.at(-1)?.fence ?? 0);
    of.locked(taken, ttlMs);
  };

const release =
  (key: string, ago: number): Step =>
  async ({ history }) => {
    const released = history(key).locks.at(-1 - ago);
    if (released === undefined) return;
    await released.release();
    history(key).released(released);
  };

const extend =
  (key: string, ago: number, ttlMs: number): Step =>
  async ({ history }) => {
    const extended = history(key).locks.at(-1 - ago);
    if (extended === undefined) return;
    expect(await extended.extend?.(ttlMs)).toBe(history(key).extended(extended, ttlMs));
  };

const pass =
  (ms: number): Step =>
  async () =>
    void vi.advanceTimersByTime(ms);

interface Write {
  readonly key: string;
  /** How many versions ago; absent: 0, to create. */
  readonly versionAgo?: number;
  /** How many locks ago; absent: without a fence. */
  readonly fenceAgo?: number;
  readonly lifetimeMs?: number;
}

const write =
  ({ key, versionAgo, fenceAgo, lifetimeMs }: Write): Step =>
  async ({ store, history }) => {
    const of = history(key);
    const expectedVersion = versionAgo === undefined ? 0 : (of.versions.at(-1 - versionAgo) ?? 0);
    const fence = fenceAgo === undefined ? undefined : of.locks.at(-1 - fenceAgo)?.fence;
    const expiresAt = lifetimeMs === undefined ? undefined : Date.now() + lifetimeMs;
    const isAtVersion = expectedVersion === (of.record?.version ?? 0);
    const mayWrite = isAtVersion && (fence === undefined || fence >= of.fence);
    liberties.writes += 1;
    const value = `value ${liberties.writes}`;
    const written = await store.write(key, value, {
      expectedVersion,
      ...(fence !== undefined && { fence }),
      ...(expiresAt !== undefined && { expiresAt }),
    });
    if (mayWrite && written === undefined) {
      // A fence of the past, of which the store may have forgotten whether a later one has written.
      expect(fence).toBeDefined();
      expect(of.isLast(fence)).toBe(false);
      liberties.refusals += 1;
      return;
    }
    expect(written !== undefined).toBe(mayWrite);
    if (written === undefined) return;
    expect(of.versions).not.toContain(written);
    const stored = await store.read(key);
    const isOver = expiresAt !== undefined && expiresAt <= Date.now();
    expect(stored?.value).toBe(isOver ? undefined : value);
    expect(stored?.version).toBe(isOver ? undefined : written);
    of.wrote(value, written, expiresAt ?? Number.POSITIVE_INFINITY, fence ?? 0);
  };

const key = fc.constantFrom("a", "b", "c");
const ago = fc.nat({ max: 2 });
const lifetimeMs = fc.integer({ min: -5, max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  key.map(read),
  key.map(remove),
  fc.record({ key, versionAgo: ago, fenceAgo: ago, lifetimeMs }, { requiredKeys: ["key"] }).map(write),
  // As a process that has just read and locked.
  fc.record({ key, versionAgo: fc.constant(0), fenceAgo: fc.constant(0) }).map(write),
  fc.tuple(key, fc.integer({ min: 1, max: 30 })).map(([of, ttlMs]) => lock(of, ttlMs)),
  fc.tuple(key, ago).map(([of, locksAgo]) => release(of, locksAgo)),
  fc
    .tuple(key, ago, fc.integer({ min: 1, max: 30 }))
    .map(([of, locksAgo, ttlMs]) => extend(of, locksAgo, ttlMs)),
  fc.integer({ min: 1, max: 20 }).map(pass),
);

describe("any history of a memoryStore", () => {
  it("is what the contract says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const histories = new Map<string, History>();
        function history(of: string): History {
          const found = histories.get(of) ?? new History();
          histories.set(of, found);
          return found;
        }
        const store = memoryStore();
        for (const next of steps) await next({ store, history });
      }),
      { numRuns: 2_000 },
    );

    expect(liberties.refusals).toBeLessThan(liberties.writes / 50);
  });
});
