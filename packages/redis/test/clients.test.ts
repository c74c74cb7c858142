import { randomUUID } from "node:crypto";
import { findRedisServer, type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type RedisClient, type RedisStoreOptions, redisStore } from "@talkdesk-oauth/redis";
import * as ioredis6 from "ioredis";
import type * as ioredis5 from "ioredis5";
import * as redis6 from "redis";
import type * as redis5 from "redis5";
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from "vitest";
import { clientPackages } from "./support/clients.js";
import { rejectionOf } from "./support/rejection.js";

type ClientTypes =
  | ReturnType<typeof redis6.createClient | typeof redis6.createClientPool>
  | ReturnType<typeof redis6.createCluster | typeof redis6.createSentinel>
  | ReturnType<typeof redis5.createClient | typeof redis5.createClientPool>
  | ReturnType<typeof redis5.createCluster | typeof redis5.createSentinel>
  | (redis6.RedisClientType | redis6.RedisClusterType | redis6.RedisSentinelType)
  | (redis5.RedisClientType | redis5.RedisClusterType | redis5.RedisSentinelType)
  | (ioredis6.Redis | ioredis6.Cluster | ioredis5.Redis | ioredis5.Cluster);

it("has a type that each kind of client fits", () => {
  expectTypeOf<ClientTypes>().toExtend<RedisClient>();
});

describe("options", () => {
  const client: RedisClient = { evalSha: async () => null, eval: async () => null };

  it.each([undefined, null, "redis://localhost", {}, { eval() {} }, { evalSha() {} }, { evalsha() {} }])(
    "refuses the client %o at once",
    (other) => {
      expect(() => redisStore({ client: other as unknown as RedisClient })).toThrow(
        new TypeError(
          "client must be a client of redis or ioredis, such as createClient() of redis or a Redis of ioredis.",
        ),
      );
    },
  );

  it.each([undefined, null, "redis://localhost"])("refuses %o instead of options", (options) => {
    expect(() => redisStore(options as unknown as RedisStoreOptions)).toThrow(TypeError);
  });

  it.each(["{app}:", "a{", "}", 1, null, "\uD83D"])("refuses the prefix %o at once", (prefix) => {
    expect(() => redisStore({ client, prefix: prefix as string })).toThrow(TypeError);
  });

  it("refuses a listener that is not a function", () => {
    expect(() => redisStore({ client, onEvent: "log" as unknown as () => void })).toThrow(TypeError);
  });

  it.each([
    ["nothing", undefined],
    ["something else", 17n],
  ])("rejects when a client answers with %s", async (_, answer) => {
    const other: RedisClient = { evalSha: async () => answer, eval: async () => answer };
    const store = redisStore({ client: other });
    expect(await rejectionOf(store.read("key"))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(store.write("key", "value", { expectedVersion: 0 }))).toBeInstanceOf(TypeError);
    expect(await rejectionOf(store.lock("key", { ttlMs: 1_000 }))).toBeInstanceOf(TypeError);
    if (answer === undefined) expect(await rejectionOf(store.delete("key"))).toBeInstanceOf(TypeError);
  });
});

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server?.stop());

  it.each(clientPackages)(
    "takes a client of $name, and shares records with those of other packages",
    async (clientPackage) => {
      await using connection = await clientPackage.connect(server.url);
      const store = redisStore({ client: connection.client });
      const key = clientPackage.name;
      const lock = await store.lock(key, { ttlMs: 60_000 });
      const version = await store.write(key, "välue", { expectedVersion: 0, fence: lock?.fence ?? 0 });
      for (const other of clientPackages) {
        await using otherConnection = await other.connect(server.url);
        const otherStore = redisStore({ client: otherConnection.client });
        expect(await otherStore.read(key)).toEqual({ value: "välue", version });
        expect(await otherStore.lock(key, { ttlMs: 60_000 })).toBeUndefined();
      }
      expect(await lock?.extend?.(1_000)).toBe(true);
      await lock?.release();
      await store.delete(key);
      expect(await store.read(key)).toBeUndefined();
    },
  );

  /** Calls each function of a store once. */
  async function callEach(client: RedisClient): Promise<void> {
    const store = redisStore({ client, prefix: `${randomUUID()}:` });
    const lock = await store.lock("key", { ttlMs: 60_000 });
    const version = await store.write("key", "välue", { expectedVersion: 0, fence: lock?.fence ?? 0 });
    expect([typeof lock?.fence, typeof version]).toEqual(["number", "number"]);
    expect(await store.read("key")).toEqual({ value: "välue", version });
    expect(await store.write("key", "other", { expectedVersion: 0 })).toBeUndefined();
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeUndefined();
    expect(await lock?.extend?.(60_000)).toBe(true);
    await lock?.release();
    expect(await lock?.extend?.(60_000)).toBe(false);
    await store.delete("key");
    expect(await store.read("key")).toBeUndefined();
  }

  it.each([
    ["a prefix of its own", { keyPrefix: "app:" }],
    ["a prefix with a brace", { keyPrefix: "{" }],
    ["numbers as texts", { stringNumbers: true }],
    ["another database", { db: 3 }],
    ["pipelines of its own", { enableAutoPipelining: true }],
  ])("takes a client of ioredis with %s", async (_, options) => {
    const client = new ioredis6.Redis(server.url, options);
    await callEach(client);
    client.disconnect();
  });

  it.each([
    ["buffers for texts", { [redis6.RESP_TYPES.BLOB_STRING]: Buffer }],
    ["texts for numbers", { [redis6.RESP_TYPES.NUMBER]: String }],
  ])("takes a client of redis with %s", async (_, typeMapping) => {
    const client = redis6.createClient({ url: server.url, commandOptions: { typeMapping } });
    await client.connect();
    await callEach(client as unknown as RedisClient);
    client.destroy();
  });

  it.each([2, 3] as const)("takes a client of redis that speaks version %d of the protocol", async (RESP) => {
    const client = redis6.createClient({ url: server.url, RESP });
    await client.connect();
    await callEach(client as unknown as RedisClient);
    client.destroy();
  });

  it("takes a pool of redis", async () => {
    const pool = redis6.createClientPool({ url: server.url });
    await pool.connect();
    await callEach(pool);
    pool.destroy();
  });

  it("says that a value is corrupt which is not UTF-8, where the client gives buffers", async () => {
    const typeMapping = { [redis6.RESP_TYPES.BLOB_STRING]: Buffer };
    const client = redis6.createClient({ url: server.url, commandOptions: { typeMapping } });
    await client.connect();
    const store = redisStore({ client: client as unknown as RedisClient });
    await store.write("key", "value", { expectedVersion: 0 });
    await client.hSet("talkdesk-oauth:{key}:record", "value", Buffer.from([0xff]));
    expect(await rejectionOf(store.read("key"))).toMatchObject({ code: "store_corrupt" });
    client.destroy();
  });
});
