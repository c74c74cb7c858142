import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type IoredisClient, redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { describe, expect, it, vi } from "vitest";
import { redisOfFile } from "./support/redis-of-file.js";
import { rejectionOf } from "./support/rejection.js";
import { repeatedClient } from "./support/repeated-client.js";

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();
  const open = (client: IoredisClient = at.redis) => redisStore({ client, prefix: at.prefix });
  const isLocked = async () => (await at.redis.exists(at.part("key", "lock"))) === 1;

  it("is one lock with one fence when a client sends the command twice", async () => {
    const lock = await open(repeatedClient(at.redis)).lock("key", { ttlMs: 60_000 });
    expect(String(lock?.fence)).toBe(await at.redis.hget(at.part("key", "lock"), "fence"));
    expect(await open().lock("key", { ttlMs: 60_000 })).toBeUndefined();
    expect(await lock?.extend?.(1_000)).toBe(true);
    await lock?.release();
    expect(await isLocked()).toBe(false);
  });

  it("rejects at once when it is aborted, and leaves no lock when the command runs late", async () => {
    let letRun = (): void => {};
    const isLate = new Promise<void>((resolve) => {
      letRun = resolve;
    });
    const late: IoredisClient = {
      eval: (...input) => isLate.then(() => at.redis.eval(...input)),
      evalsha: (...input) => isLate.then(() => at.redis.evalsha(...input)),
    };
    const controller = new AbortController();
    const reason = new Error("the caller has lost interest");
    const locking = open(late).lock("key", { ttlMs: 60_000, signal: controller.signal });
    controller.abort(reason);
    expect(await rejectionOf(locking)).toBe(reason);
    letRun();
    await vi.waitFor(async () => {
      expect(await at.redis.exists(at.part("key", "history"))).toBe(1);
      expect(await isLocked()).toBe(false);
    });
  });

  it("leaves no lock of a command that a client kept while it was disconnected", async () => {
    const offline = new Redis(at.server.url, { lazyConnect: true });
    const controller = new AbortController();
    const locking = open(offline).lock("key", { ttlMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await rejectionOf(locking)).toBe(controller.signal.reason);
    await vi.waitFor(async () => {
      expect(await at.redis.exists(at.part("key", "history"))).toBe(1);
      expect(await isLocked()).toBe(false);
    });
    offline.disconnect();
  });

  it("leaves no lock when the answer is lost", async () => {
    const deaf: IoredisClient = {
      async eval(...input) {
        await at.redis.eval(...input);
        throw new Error("Connection is closed.");
      },
      async evalsha(...input) {
        await at.redis.evalsha(...input);
        throw new Error("Connection is closed.");
      },
    };
    const rejection = await rejectionOf(open(deaf).lock("key", { ttlMs: 60_000 }));
    expect(rejection).toMatchObject({ code: "connection_failed" });
    await vi.waitFor(async () => {
      expect(await at.redis.exists(at.part("key", "history"))).toBe(1);
      expect(await isLocked()).toBe(false);
    });
  });

  it("keeps the lock of another when the command of an aborted one runs late", async () => {
    const held = await open().lock("key", { ttlMs: 60_000 });
    const controller = new AbortController();
    const locking = open().lock("key", { ttlMs: 60_000, signal: controller.signal });
    controller.abort();
    expect(await rejectionOf(locking)).toBe(controller.signal.reason);
    await at.redis.ping();
    expect(await held?.extend?.(60_000)).toBe(true);
  });

  it("has no unhandled rejection when the client is closed before an aborted lock has run", async () => {
    const client = createClient({ url: at.server.url }).on("error", () => {});
    const store = redisStore({ client, prefix: at.prefix });
    await client.connect();
    await at.redis.call("CLIENT", "PAUSE", 200);
    const controller = new AbortController();
    const locking = store.lock("key", { ttlMs: 60_000, signal: controller.signal });
    await new Promise((resolve) => setImmediate(resolve));
    controller.abort();
    expect(await rejectionOf(locking)).toBe(controller.signal.reason);
    client.destroy();
    // The server gives up the connection, and the command with it, or runs the command: then the lock ends with its time.
    await at.redis.call("CLIENT", "UNPAUSE");
    expect(await rejectionOf(store.read("key"))).toMatchObject({ code: "connection_failed" });
  });

  it("ends a lock after its own time when the clock of the server was set back", async () => {
    const lock = await open().lock("key", { ttlMs: 30_000 });
    const atLock = at.part("key", "lock");
    // As far in the future as an hour makes it.
    await at.redis.pexpire(atLock, 3_630_000);
    expect(await open().lock("key", { ttlMs: 60_000 })).toBeUndefined();
    expect(await at.redis.pttl(atLock)).toBeLessThanOrEqual(30_000);
    expect(await lock?.extend?.(60_000)).toBe(true);
    expect(await open().lock("key", { ttlMs: 60_000 })).toBeUndefined();
    expect(await at.redis.pttl(atLock)).toBeGreaterThan(30_000);
    await lock?.release();
  });

  it.each([
    [59_999.5, 60_000],
    [60_000.5, 60_001],
    [1e300, 2 ** 52],
  ])("locks for %s milliseconds as for %s", async (ttlMs, wholeMs) => {
    const lock = await open().lock("key", { ttlMs });
    const ttl = () => at.redis.hget(at.part("key", "lock"), "ttl");
    expect(await ttl()).toBe(String(wholeMs));
    expect(await lock?.extend?.(30_000)).toBe(true);
    expect(await ttl()).toBe("30000");
    expect(await lock?.extend?.(ttlMs)).toBe(true);
    expect(await ttl()).toBe(String(wholeMs));
    expect(await at.redis.pttl(at.part("key", "lock"))).toBeGreaterThan(0);
  });
});
