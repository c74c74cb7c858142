import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers, type Handle } from "./support/drivers.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** The results that the contract requires for the calls for one key. It remembers all calls, unlike the store. */
class Reference {
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

  /** The fence of the lock that is held. */
  get heldFence(): number | undefined {
    return this.#held !== undefined && Date.now() < this.#held.until ? this.#held.fence : undefined;
  }

  noteWrite(value: string, version: number, expiresAt: number, fence: number): void {
    this.fence = Math.max(this.fence, fence);
    this.#record = { value, version, expiresAt };
    this.versions.push(version);
  }

  noteDelete(): void {
    this.#record = undefined;
  }

  noteLock(lock: StoreLock, ttlMs: number): void {
    this.locks.push(lock);
    this.#held = { fence: lock.fence, until: Date.now() + ttlMs };
  }

  noteExtension(lock: StoreLock, ttlMs: number): boolean {
    if (this.heldFence !== lock.fence) return false;
    this.#held = { fence: lock.fence, until: Date.now() + ttlMs };
    return true;
  }

  noteRelease(lock: StoreLock): void {
    if (this.#held?.fence === lock.fence) this.#held = undefined;
  }

  /** The tables were emptied. */
  noteFlush(): void {
    this.fence = 0;
    this.#record = undefined;
    this.#held = undefined;
  }
}

class Stage {
  readonly references = new Map<string, Reference>();
  readonly stores: TokenStore[];
  readonly open: () => Handle;
  readonly database: Handle;

  constructor(open: () => Handle) {
    this.open = open;
    this.database = open();
    this.stores = [sqliteStore(this.database), sqliteStore(open())];
  }

  reference(key: string): Reference {
    const found = this.references.get(key) ?? new Reference();
    this.references.set(key, found);
    return found;
  }

  store(handle: number): TokenStore {
    return this.stores[handle] as TokenStore;
  }
}

/** One step of a history: does something to the store, and says what must come of it. */
type Step = (stage: Stage) => Promise<void>;

/** How often the store refused what it could have taken, had it remembered everything. */
const liberties = { writes: 0, refusals: 0 };

const read =
  (handle: number, key: string): Step =>
  async (stage) => {
    expect(await stage.store(handle).read(key)).toEqual(stage.reference(key).record);
  };

const remove =
  (handle: number, key: string): Step =>
  async (stage) => {
    await stage.store(handle).delete(key);
    stage.reference(key).noteDelete();
  };

const lock =
  (handle: number, key: string, ttlMs: number): Step =>
  async (stage) => {
    const reference = stage.reference(key);
    const isHeld = reference.heldFence !== undefined;
    const taken = await stage.store(handle).lock(key, { ttlMs });
    expect(taken === undefined).toBe(isHeld);
    if (taken === undefined) return;
    expect(taken.fence).toBeGreaterThan(reference.locks.at(-1)?.fence ?? 0);
    reference.noteLock(taken, ttlMs);
  };

const release =
  (key: string, ago: number): Step =>
  async (stage) => {
    const released = stage.reference(key).locks.at(-1 - ago);
    if (released === undefined) return;
    await released.release();
    stage.reference(key).noteRelease(released);
  };

const extend =
  (key: string, ago: number, ttlMs: number): Step =>
  async (stage) => {
    const extended = stage.reference(key).locks.at(-1 - ago);
    if (extended === undefined) return;
    expect(await extended.extend?.(ttlMs)).toBe(stage.reference(key).noteExtension(extended, ttlMs));
  };

const pass =
  (ms: number): Step =>
  async () =>
    void vi.advanceTimersByTime(ms);

const reopen =
  (handle: number): Step =>
  async (stage) => {
    stage.stores[handle] = sqliteStore(stage.open());
  };

const flush: Step = async ({ database, references }) => {
  for (const table of ["tokens", "locks", "store"]) {
    try {
      database.exec(`DELETE FROM talkdesk_oauth_${table}`);
    } catch {
      // Nothing has been called yet, so there are no tables.
    }
  }
  for (const reference of references.values()) reference.noteFlush();
  // Only the clock tells numbers from those before.
  vi.advanceTimersByTime(1);
};

interface Write {
  readonly key: string;
  readonly handle: number;
  /** How many versions ago; absent: 0, to create. */
  readonly versionAgo?: number;
  /** How many locks ago; absent: without a fence. */
  readonly fenceAgo?: number;
  readonly lifetimeMs?: number;
}

const write =
  ({ key, handle, versionAgo, fenceAgo, lifetimeMs }: Write): Step =>
  async (stage) => {
    const reference = stage.reference(key);
    const expectedVersion = versionAgo === undefined ? 0 : (reference.versions.at(-1 - versionAgo) ?? 0);
    const fence = fenceAgo === undefined ? undefined : reference.locks.at(-1 - fenceAgo)?.fence;
    const expiresAt = lifetimeMs === undefined ? undefined : Date.now() + lifetimeMs;
    const isAtVersion = expectedVersion === (reference.record?.version ?? 0);
    const mayWrite = isAtVersion && (fence === undefined || fence >= reference.fence);
    liberties.writes += 1;
    const value = `value ${liberties.writes}`;
    const written = await stage.store(handle).write(key, value, {
      expectedVersion,
      ...(fence !== undefined && { fence }),
      ...(expiresAt !== undefined && { expiresAt }),
    });
    if (mayWrite && written === undefined) {
      // A fence of a lock that is over, of which the store may have forgotten whether a later one has written.
      expect(fence).toBeDefined();
      expect(reference.heldFence).not.toBe(fence);
      liberties.refusals += 1;
      return;
    }
    expect(written !== undefined).toBe(mayWrite);
    if (written === undefined) return;
    expect(reference.versions).not.toContain(written);
    const stored = await stage.store(1 - handle).read(key);
    const isOver = expiresAt !== undefined && expiresAt <= Date.now();
    expect(stored).toEqual(isOver ? undefined : { value, version: written });
    reference.noteWrite(value, written, expiresAt ?? Number.POSITIVE_INFINITY, fence ?? 0);
  };

const key = fc.constantFrom("a", "b", "c");
const handle = fc.nat({ max: 1 });
const ago = fc.nat({ max: 2 });
const ttlMs = fc.integer({ min: 1, max: 30 });
const lifetimeMs = fc.integer({ min: -5, max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(handle, key).map(([on, of]) => read(on, of)) },
  { weight: 4, arbitrary: fc.tuple(handle, key).map(([on, of]) => remove(on, of)) },
  {
    weight: 4,
    arbitrary: fc
      .record(
        { key, handle, versionAgo: ago, fenceAgo: ago, lifetimeMs },
        { requiredKeys: ["key", "handle"] },
      )
      .map(write),
  },
  // As a process that has just read and locked.
  {
    weight: 4,
    arbitrary: fc.record({ key, handle, versionAgo: fc.constant(0), fenceAgo: fc.constant(0) }).map(write),
  },
  { weight: 4, arbitrary: fc.tuple(handle, key, ttlMs).map(([on, of, ms]) => lock(on, of, ms)) },
  { weight: 4, arbitrary: fc.tuple(key, ago).map(([of, locksAgo]) => release(of, locksAgo)) },
  { weight: 4, arbitrary: fc.tuple(key, ago, ttlMs).map(([of, locksAgo, ms]) => extend(of, locksAgo, ms)) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 20 }).map(pass) },
  { weight: 1, arbitrary: handle.map(reopen) },
  { weight: 1, arbitrary: fc.constant(flush) },
);

describe.each(drivers)("any history of a store in a database of $name", (driver) => {
  it("is what the contract says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        using file = databaseFile(driver);
        const stage = new Stage(() => file.open());
        for (const next of steps) await next(stage);
      }),
      { numRuns: 300 },
    );
    expect(liberties.writes).toBeGreaterThan(100);
    expect(liberties.refusals).toBeLessThan(liberties.writes / 20);
  });
});
