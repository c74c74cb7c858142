import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type IoredisClient, redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { describe, expect, it } from "vitest";
import { callAll } from "./support/call-all.js";
import { clientPackages } from "./support/clients.js";
import { redisOfFile } from "./support/redis-of-file.js";

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
