import { randomUUID } from "node:crypto";
import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { findRedisServer, type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type RedisClient, redisStore } from "@talkdesk-oauth/redis";
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repeatedClient } from "./support/repeated-client.js";

interface Contents {
  readonly record: { readonly value: string; readonly version: number } | undefined;
  /** The latest fence that has written. */
  readonly fence: number;
  /** The fence of the lock that is held. */
  readonly heldFence: number | undefined;
}

const NOTHING: Contents = { record: undefined, fence: 0, heldFence: undefined };

/** The results that the contract requires for the calls for one key. It remembers all calls, unlike the store. */
class Reference {
  readonly versions: number[] = [];
  readonly locks: StoreLock[] = [];
  contents: Contents = NOTHING;
  backup: Contents | undefined;

  change(changes: Partial<Contents>): void {
    this.contents = { ...this.contents, ...changes };
  }
}

class Stage {
  readonly references = new Map<string, Reference>();
  readonly prefix = `${randomUUID()}:`;
  readonly stores: TokenStore[];

  constructor(clients: readonly RedisClient[]) {
    this.stores = clients.map((client) => redisStore({ client, prefix: this.prefix }));
  }

  reference(key: string): Reference {
    const found = this.references.get(key) ?? new Reference();
    this.references.set(key, found);
    return found;
  }

  store(handle: number): TokenStore {
    return this.stores[handle] as TokenStore;
  }

  part(key: string, part: string): string {
    return `${this.prefix}{${key}}:${part}`;
  }
}

/** One step of a history: does something to the store, and says what must come of it. */
type Step = (stage: Stage) => Promise<unknown>;

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    server = await startRedisServer();
    redis = new Redis(server.url);
  });
  afterAll(async () => {
    redis?.disconnect();
    await server?.stop();
  });

  const read =
    (handle: number, key: string): Step =>
    async (stage) => {
      expect(await stage.store(handle).read(key)).toEqual(stage.reference(key).contents.record);
    };

  const remove =
    (handle: number, key: string): Step =>
    async (stage) => {
      await stage.store(handle).delete(key);
      stage.reference(key).change({ record: undefined });
    };

  const lock =
    (handle: number, key: string): Step =>
    async (stage) => {
      const reference = stage.reference(key);
      const taken = await stage.store(handle).lock(key, { ttlMs: 60_000 });
      expect(taken === undefined).toBe(reference.contents.heldFence !== undefined);
      if (taken === undefined) return;
      expect(taken.fence).toBeGreaterThan(reference.locks.at(-1)?.fence ?? 0);
      reference.locks.push(taken);
      reference.change({ heldFence: taken.fence });
    };

  const release =
    (key: string, ago: number): Step =>
    async (stage) => {
      const reference = stage.reference(key);
      const released = reference.locks.at(-1 - ago);
      await released?.release();
      if (reference.contents.heldFence === released?.fence) reference.change({ heldFence: undefined });
    };

  const extend =
    (key: string, ago: number): Step =>
    async (stage) => {
      const { locks, contents } = stage.reference(key);
      const extended = locks.at(-1 - ago);
      if (extended === undefined) return;
      expect(await extended.extend?.(60_000)).toBe(contents.heldFence === extended.fence);
    };

  const expireRecord =
    (key: string): Step =>
    async (stage) => {
      await redis.pexpire(stage.part(key, "record"), 0);
      stage.reference(key).change({ record: undefined });
    };

  const expireLock =
    (key: string): Step =>
    async (stage) => {
      await redis.pexpire(stage.part(key, "lock"), 0);
      stage.reference(key).change({ heldFence: undefined });
    };

  const backUp =
    (key: string): Step =>
    async (stage) => {
      const reference = stage.reference(key);
      for (const part of ["record", "lock", "history"]) {
        await redis.del(stage.part(key, `backup-${part}`));
        await redis.copy(stage.part(key, part), stage.part(key, `backup-${part}`));
      }
      reference.backup = reference.contents;
    };

  const restore =
    (key: string): Step =>
    async (stage) => {
      const reference = stage.reference(key);
      if (reference.backup === undefined) return;
      for (const part of ["record", "lock", "history"]) {
        await redis.del(stage.part(key, part));
        await redis.copy(stage.part(key, `backup-${part}`), stage.part(key, part));
      }
      reference.contents = reference.backup;
    };

  const lose =
    (key: string): Step =>
    async (stage) => {
      for (const part of ["record", "lock", "history"]) await redis.del(stage.part(key, part));
      stage.reference(key).contents = NOTHING;
    };

  const forgetScripts: Step = () => redis.script("FLUSH");

  interface Write {
    readonly key: string;
    readonly handle: number;
    /** How many versions ago; absent: 0, to create. */
    readonly versionAgo?: number;
    /** How many locks ago; absent: without a fence. */
    readonly fenceAgo?: number;
    /** Absent: without end. */
    readonly lifetimeMs?: number;
  }

  const write =
    ({ key, handle, versionAgo, fenceAgo, lifetimeMs }: Write): Step =>
    async (stage) => {
      const reference = stage.reference(key);
      const { contents } = reference;
      const expectedVersion = versionAgo === undefined ? 0 : (reference.versions.at(-1 - versionAgo) ?? 0);
      const fence = fenceAgo === undefined ? undefined : reference.locks.at(-1 - fenceAgo)?.fence;
      const value = randomUUID();
      const written = await stage.store(handle).write(key, value, {
        expectedVersion,
        ...(fence !== undefined && { fence }),
        ...(lifetimeMs !== undefined && { expiresAt: Date.now() + lifetimeMs }),
      });
      const isAtVersion = expectedVersion === (contents.record?.version ?? 0);
      expect(written !== undefined).toBe(isAtVersion && (fence === undefined || fence >= contents.fence));
      if (written === undefined) return;
      expect(reference.versions).not.toContain(written);
      reference.versions.push(written);
      const record = lifetimeMs === undefined || lifetimeMs > 0 ? { value, version: written } : undefined;
      reference.change({ record, fence: Math.max(contents.fence, fence ?? 0) });
      expect(await stage.store(1 - handle).read(key)).toEqual(record);
    };

  const key = fc.constantFrom("a", "b");
  const handle = fc.nat({ max: 1 });
  const ago = fc.nat({ max: 2 });
  const lifetimeMs = fc.constantFrom(-1_000, 60_000);
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
    { weight: 6, arbitrary: fc.tuple(handle, key).map(([on, of]) => lock(on, of)) },
    { weight: 4, arbitrary: fc.tuple(key, ago).map(([of, locksAgo]) => release(of, locksAgo)) },
    { weight: 2, arbitrary: fc.tuple(key, ago).map(([of, locksAgo]) => extend(of, locksAgo)) },
    { weight: 2, arbitrary: key.map(expireRecord) },
    { weight: 2, arbitrary: key.map(expireLock) },
    { weight: 1, arbitrary: key.map(backUp) },
    { weight: 1, arbitrary: key.map(restore) },
    { weight: 1, arbitrary: key.map(lose) },
    { weight: 1, arbitrary: fc.constant(forgetScripts) },
  );

  it("does in any history what the contract says, also when each command is sent twice", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const stage = new Stage([redis, repeatedClient(redis)]);
        for (const next of steps) await next(stage);
      }),
      { numRuns: 200 },
    );
  });
});
