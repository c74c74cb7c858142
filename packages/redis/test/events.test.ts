import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type IoredisClient, type RedisStoreEvent, redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { afterEach, describe, expect, it, vi } from "vitest";
import { redisOfFile } from "./support/redis-of-file.js";

/** Lets everything happen that is due. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();
  afterEach(() => at.redis.config("SET", "maxmemory-policy", "noeviction"));

  it.each(["allkeys-lru", "allkeys-random", "allkeys-lfu", "volatile-lru", "volatile-ttl"])(
    "warns once of the policy %s",
    async (policy) => {
      await at.redis.config("SET", "maxmemory-policy", policy);
      const events: RedisStoreEvent[] = [];
      const before = Date.now();
      const store = redisStore({
        client: at.redis,
        prefix: at.prefix,
        onEvent: (event) => events.push(event),
      });
      await Promise.all([
        store.read("a"),
        store.write("b", "value", { expectedVersion: 0 }),
        store.delete("c"),
      ]);
      await vi.waitFor(() => expect(events).toHaveLength(1));
      await store.read("a");
      await at.redis.ping();
      await settled();
      const [event] = events;
      expect(events).toEqual([
        { type: "store_warning", at: event?.at, message: event?.message, evictionPolicy: policy },
      ]);
      expect(event?.at).toBeGreaterThanOrEqual(before);
      expect(event?.message).toContain(`maxmemory-policy is ${policy}`);
      expect(Object.isFrozen(event)).toBe(true);
    },
  );

  it("does not warn of noeviction, and asks nothing without a listener", async () => {
    const scripts: string[] = [];
    const client: IoredisClient = {
      eval: (...input) => at.redis.eval(...input),
      evalsha(...input) {
        scripts.push(input[0]);
        return at.redis.evalsha(...input);
      },
    };
    const events: RedisStoreEvent[] = [];
    const store = redisStore({ client, prefix: at.prefix, onEvent: (event) => events.push(event) });
    await store.read("key");
    await vi.waitFor(() => expect(scripts).toHaveLength(2));
    await at.redis.ping();
    await settled();
    expect(events).toEqual([]);

    scripts.length = 0;
    await redisStore({ client, prefix: at.prefix }).read("key");
    await at.redis.ping();
    await settled();
    expect(scripts).toHaveLength(1);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("the listener has failed");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("the listener has failed"))],
  ])("is not disturbed by a listener that %s", async (_, fail) => {
    await at.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    let calls = 0;
    // No mock of vitest, which would handle the rejection.
    const onEvent = () => {
      calls += 1;
      return fail();
    };
    const store = redisStore({ client: at.redis, prefix: at.prefix, onEvent });
    const version = await store.write("key", "value", { expectedVersion: 0 });
    await vi.waitFor(() => expect(calls).toBe(1));
    await settled();
    expect(await store.read("key")).toEqual({ value: "value", version });
  });

  it("asks once, and is silent, where the server forbids the question", async () => {
    await at.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    await at.redis.call("ACL", "SETUSER", "app", "on", ">secret", "~*", "+@all", "-info");
    const client = new Redis(at.server.url.replace("//", "//app:secret@"), { enableReadyCheck: false });
    const events: RedisStoreEvent[] = [];
    const store = redisStore({ client, prefix: at.prefix, onEvent: (event) => events.push(event) });
    await at.redis.config("RESETSTAT");
    for (let round = 0; round < 5; round += 1) await store.read("key");
    await client.ping();
    await settled();
    expect(events).toEqual([]);
    const stats = await at.redis.info("commandstats");
    expect(/cmdstat_info:.*rejected_calls=(\d+)/.exec(stats)?.[1]).toBe("1");
    client.disconnect();
  });

  it("asks at no call that has failed, and after the first that has not", async () => {
    await at.redis.config("SET", "maxmemory-policy", "allkeys-lru");
    let isDown = true;
    const client: IoredisClient = {
      eval: (...input) => at.redis.eval(...input),
      evalsha: (...input) =>
        isDown ? Promise.reject(new Error("Connection is closed.")) : at.redis.evalsha(...input),
    };
    const onEvent = vi.fn();
    const store = redisStore({ client, prefix: at.prefix, onEvent });
    await expect(store.read("key")).rejects.toThrow();
    isDown = false;
    await store.read("key");
    await vi.waitFor(() => expect(onEvent).toHaveBeenCalledTimes(1));
  });

  it("delays no call", async () => {
    const waiting = new Promise<never>(() => {});
    let calls = 0;
    const client: IoredisClient = {
      eval: () => waiting,
      evalsha(...input) {
        calls += 1;
        return calls === 2 ? waiting : at.redis.evalsha(...input);
      },
    };
    await at.redis.script("LOAD", "return 1");
    await redisStore({ client: at.redis, prefix: at.prefix }).read("key");
    const store = redisStore({ client, prefix: at.prefix, onEvent: () => {} });
    await store.read("key");
    expect(calls).toBe(2);
    expect(await store.read("key")).toBeUndefined();
  });
});
