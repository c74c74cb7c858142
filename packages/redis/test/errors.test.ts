import { inspect } from "node:util";
import { findRedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type RedisClient, redisStore } from "@talkdesk-oauth/redis";
import { describe, expect, it } from "vitest";
import { clientPackages } from "./support/clients.js";
import { redisOfFile } from "./support/redis-of-file.js";
import { rejectionOf } from "./support/rejection.js";

/** No part of an error may have one of these. */
const CANARIES = ["canary-key", "canary-value", "canary-password", "canary-host", "127.0.0.1"];

/** What all functions of a store reject with. */
async function rejectionsOf(client: RedisClient): Promise<readonly unknown[]> {
  const store = redisStore({ client });
  return Promise.all([
    rejectionOf(store.read("canary-key")),
    rejectionOf(store.write("canary-key", "canary-value", { expectedVersion: 0 })),
    rejectionOf(store.delete("canary-key")),
    rejectionOf(store.lock("canary-key", { ttlMs: 1_000 })),
  ]);
}

function expectErrors(rejections: readonly unknown[], code: string): void {
  for (const rejection of rejections) {
    expect(rejection).toBeInstanceOf(Error);
    expect(rejection).toMatchObject({ code, message: expect.stringMatching(/^[A-Z].*\.$/) });
    const said = inspect(rejection, { depth: Number.POSITIVE_INFINITY, showHidden: true });
    for (const canary of CANARIES) expect(said).not.toContain(canary);
  }
}

/** A client whose commands fail with this error. */
function failingClient(error: unknown): RedisClient {
  const fail = (): Promise<never> => Promise.reject(error);
  return { evalsha: fail, eval: fail };
}

describe("an error of a client", () => {
  it.each([
    ["LOADING", "LOADING Redis is loading the dataset in memory"],
    ["READONLY", "READONLY You can't write against a read only replica."],
    ["CLUSTERDOWN", "CLUSTERDOWN Hash slot not served"],
    ["OOM", "-OOM command not allowed when used memory > 'maxmemory'."],
    ["MASTERDOWN", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."],
    ["TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot"],
    ["MOVED", "MOVED 3999 canary-host:6381"],
    ["ASK", "ASK 3999 canary-host:6381"],
    ["NOAUTH", "NOAUTH Authentication required."],
    ["ERR", "ERR unknown command 'evalsha', with args beginning with: 'canary-key'"],
    ["WHATEVER2", "WHATEVER2 canary-value"],
    [
      "OOM",
      "ERR Error running script (call to f_17): @user_script:31: @user_script: 31: -OOM command not allowed",
    ],
    [
      "READONLY",
      "ERR Error running script (call to f_17): @user_script:31: READONLY You can't write against",
    ],
    ["ERR", "ERR Error running script (call to f_17): @user_script:31: user_script:31: no field"],
    ["connection_failed", "Connection is closed: canary-host"],
    [
      "TRYAGAIN",
      "Too many Cluster redirections. Last error: ReplyError: TRYAGAIN Multiple keys request during rehashing of slot",
    ],
    ["connection_failed", "A canary-key"],
  ])("has the code %s for: %s", async (code, message) => {
    const error = Object.assign(new Error(message), { command: { args: ["canary-key", "canary-value"] } });
    expectErrors(await rejectionsOf(failingClient(error)), code);
  });

  it("is not told when a slot of the cluster has moved soon after", async () => {
    let refusals = 0;
    const client: RedisClient = {
      evalsha: async () => {
        refusals += 1;
        if (refusals < 5) throw new Error("TRYAGAIN Multiple keys request during rehashing of slot");
        return null;
      },
      eval: () => Promise.reject(new Error("ERR unknown")),
    };
    expect(await redisStore({ client }).read("a key")).toBeUndefined();
    expect(refusals).toBe(5);
  });

  it.each([
    ["ECONNREFUSED", { code: "ECONNREFUSED" }],
    ["connection_failed", { code: "canary-value" }],
    ["connection_failed", { code: 17 }],
    ["NOAUTH", { lastNodeError: new Error("NOAUTH Authentication required.") }],
    ["ETIMEDOUT", { lastNodeError: Object.assign(new Error("canary-host"), { code: "ETIMEDOUT" }) }],
  ])("has the code %s for an error with %o", async (code, members) => {
    const error = Object.assign(new Error("connect canary-host:6379", { cause: "canary-password" }), members);
    expectErrors(await rejectionsOf(failingClient(error)), code);
  });

  it.each([undefined, null, "canary-value", {}])(
    "is an error of the store also when it is %o",
    async (error) => {
      expectErrors(await rejectionsOf(failingClient(error)), "connection_failed");
    },
  );
});

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();

  it.each(clientPackages)("says why a user of the server is refused: $name", async ({ connect }) => {
    await at.redis.call("ACL", "SETUSER", "weak", "on", ">canary-password", "~other:*", "+@all");
    await using connection = await connect(at.server.url.replace("//", "//weak:canary-password@"));
    const store = redisStore({ client: connection.client });
    const calls = [store.read("canary-key"), store.delete("canary-key")];
    expectErrors(await Promise.all(calls.map(rejectionOf)), "NOPERM");
  });

  it.each(clientPackages)("says that memory is full, and changes nothing: $name", async ({ connect }) => {
    await using connection = await connect(at.server.url);
    const store = redisStore({ client: connection.client, prefix: at.prefix });
    const version = (await store.write("canary-key", "before", { expectedVersion: 0 })) ?? 0;
    const lock = await store.lock("canary-key", { ttlMs: 60_000 });
    await at.redis.config("SET", "maxmemory", "1");
    try {
      const rejections = [
        await rejectionOf(store.write("canary-key", "canary-value", { expectedVersion: version })),
        await rejectionOf(store.write("canary-key-2", "canary-value", { expectedVersion: 0 })),
        await rejectionOf(store.lock("canary-key-2", { ttlMs: 1_000 })),
      ];
      expectErrors(rejections, "OOM");
      expect(await store.read("canary-key")).toEqual({ value: "before", version });
      expect(await lock?.extend?.(60_000)).toBe(true);
      await lock?.release();
      await store.delete("canary-key");
      expect(await store.read("canary-key")).toBeUndefined();
    } finally {
      await at.redis.config("SET", "maxmemory", "0");
    }
  });

  it.each(clientPackages)("says that a server takes no writes: $name", async ({ connect }) => {
    await using server = await startRedisServer();
    await using connection = await connect(server.url);
    const store = redisStore({ client: connection.client });
    await store.read("canary-key");
    await server.command("REPLICAOF", "127.0.0.1", at.server.port);
    const writing = store.write("canary-key", "canary-value", { expectedVersion: 0 });
    expectErrors([await rejectionOf(writing)], "READONLY");
  });

  it.each(clientPackages)("rejects every call when the client was closed: $name", async ({ connect }) => {
    const connection = await connect(at.server.url);
    const store = redisStore({ client: connection.client, prefix: at.prefix });
    const lock = await store.lock("canary-key", { ttlMs: 60_000 });
    await connection[Symbol.asyncDispose]();
    expectErrors(
      [
        ...(await rejectionsOf(connection.client)),
        await rejectionOf(Promise.resolve(lock?.extend?.(1_000))),
        await rejectionOf(Promise.resolve(lock?.release())),
      ],
      "connection_failed",
    );
  });
});
