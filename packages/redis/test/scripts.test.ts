import { findRedisServer, type RedisCluster, startRedisCluster } from "@talkdesk-oauth/fixtures/redis-server";
import { type IoredisClient, redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clientPackages } from "./support/clients.js";
import { redisOfFile } from "./support/redis-of-file.js";

/** Calls every function of a store, and forgets the scripts before each. */
async function callAll(
  client: Parameters<typeof redisStore>[0]["client"],
  prefix: string,
  forget: () => Promise<unknown>,
): Promise<void> {
  const store = redisStore({ client, prefix, onEvent: () => {} });
  for (const key of ["a", "b", "c", "d"]) {
    await forget();
    const lock = await store.lock(key, { ttlMs: 60_000 });
    await forget();
    const version = await store.write(key, "value", { expectedVersion: 0, fence: lock?.fence ?? 0 });
    await forget();
    expect(await store.read(key)).toEqual({ value: "value", version });
    await forget();
    expect(await lock?.extend?.(60_000)).toBe(true);
    await forget();
    await lock?.release();
    await forget();
    expect(await lock?.extend?.(60_000)).toBe(false);
    await forget();
    await store.delete(key);
    expect(await store.read(key)).toBeUndefined();
  }
}

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();

  it.each(clientPackages)("goes on when the server forgets its scripts: $name", async ({ connect }) => {
    await using connection = await connect(at.server.url);
    await callAll(connection.client, at.prefix, () => at.redis.script("FLUSH"));
  });

  it("sends one command for each call, once the server knows the scripts", async () => {
    const sent: string[] = [];
    const client: IoredisClient = {
      eval(...input) {
        sent.push("eval");
        return at.redis.eval(...input);
      },
      evalsha(...input) {
        sent.push("evalsha");
        return at.redis.evalsha(...input);
      },
    };
    await at.redis.script("FLUSH");
    const store = redisStore({ client, prefix: at.prefix });
    for (const known of [false, true]) {
      sent.length = 0;
      const lock = await store.lock("key", { ttlMs: 60_000 });
      await store.write("key", "value", { expectedVersion: 0 });
      await store.read("key");
      await lock?.extend?.(60_000);
      await lock?.release();
      await store.delete("key");
      const commands = known ? ["evalsha"] : ["evalsha", "eval"];
      expect(sent).toEqual(Array.from({ length: 6 }, () => commands).flat());
    }
  });

  it("needs no commands but those that the README names", async () => {
    const commands =
      "+eval +evalsha +time +type +hmget +hset +del +pttl +pexpire +pexpireat +persist +info".split(" ");
    await at.redis.call("ACL", "SETUSER", "app", "reset", "on", ">secret", `~${at.prefix}*`, ...commands);
    const client = new Redis(at.server.url.replace("//", "//app:secret@"));
    await callAll(client, at.prefix, async () => {});
    const store = redisStore({ client, prefix: at.prefix });
    const expectedVersion = (await store.write("key", "value", { expectedVersion: 0 })) ?? 0;
    const expiresAt = Date.now() + 60_000;
    expect(await store.write("key", "value", { expectedVersion, expiresAt })).toBeGreaterThan(0);
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeDefined();
    expect(await store.lock("key", { ttlMs: 60_000 })).toBeUndefined();
    client.disconnect();
  });
});

describe.skipIf(findRedisServer() === undefined)("with a cluster", () => {
  let cluster: RedisCluster;
  beforeAll(async () => {
    cluster = await startRedisCluster();
  });
  afterAll(() => cluster?.stop());

  it.each(clientPackages)(
    "goes on when all nodes forget their scripts: $name",
    async ({ connectToCluster }) => {
      await using connection = await connectToCluster(cluster);
      const forget = () => Promise.all(cluster.nodes.map((node) => node.command("SCRIPT", "FLUSH")));
      await callAll(connection.client, "app:", forget);
    },
  );

  it.each(clientPackages)(
    "keeps what it has of a key in one slot: $name",
    async ({ name, connectToCluster }) => {
      await using connection = await connectToCluster(cluster);
      const store = redisStore({ client: connection.client, prefix: `${name}:` });
      for (const key of ["a", "{b}", "c}d{e", "", "é"].map((text) => `key ${text}`)) {
        await store.lock(key, { ttlMs: 60_000 });
        await store.write(key, "value", { expectedVersion: 0 });
        expect((await store.read(key))?.value).toBe("value");
      }
    },
  );
});
