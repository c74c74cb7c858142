import {
  findRedisServer,
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
} from "@talkdesk-oauth/fixtures/redis-server";
import { redisStore } from "@talkdesk-oauth/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callAll } from "./support/call-all.js";
import { clientPackages, newestPackages } from "./support/clients.js";
import { rejectionOf } from "./support/rejection.js";

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

  /** Begins to move the slot of a key to another node. */
  async function beginMove(
    key: string,
  ): Promise<{ from: RedisServer; to: RedisServer; end(): Promise<void> }> {
    const [first] = cluster.nodes as readonly [RedisServer];
    const slot = Number(await first.command("CLUSTER", "KEYSLOT", key));
    const holders = await Promise.all(
      cluster.nodes.map(async (node) => (await node.command("CLUSTER", "COUNTKEYSINSLOT", slot)) !== 0),
    );
    const from = cluster.nodes[holders.indexOf(true)] as RedisServer;
    const to = cluster.nodes[holders.indexOf(false)] as RedisServer;
    const [fromId, toId] = await Promise.all([from, to].map((node) => node.command("CLUSTER", "MYID")));
    await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", String(fromId));
    await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", String(toId));
    const end = async (): Promise<void> => {
      for (const node of cluster.nodes) await node.command("CLUSTER", "SETSLOT", slot, "NODE", String(toId));
    };
    return { from, to, end };
  }

  it.each(newestPackages)(
    "is read while its slot moves, and locked afterwards: $name",
    async ({ name, connectToCluster }) => {
      await using connection = await connectToCluster(cluster);
      const store = redisStore({ client: connection.client, prefix: "app:" });
      const version = await store.write(name, "value", { expectedVersion: 0 });
      const slot = `app:{${encodeURIComponent(name)}}`;
      const { from, to, end } = await beginMove(`${slot}:record`);
      expect(await store.read(name)).toEqual({ value: "value", version });
      // ioredis asks any node in the end, which says where the slot is.
      const code = expect.stringMatching(/^(TRYAGAIN|MOVED)$/);
      expect(await rejectionOf(store.lock(name, { ttlMs: 60_000 }))).toMatchObject({ code });
      await from.command(
        "MIGRATE",
        to.host,
        to.port,
        "",
        0,
        60_000,
        "KEYS",
        `${slot}:record`,
        `${slot}:history`,
      );
      expect(await store.read(name)).toEqual({ value: "value", version });
      await end();
      const lock = await store.lock(name, { ttlMs: 60_000 });
      const fence = lock?.fence ?? 0;
      expect(await store.write(name, "next", { expectedVersion: version ?? 0, fence })).toBeGreaterThan(
        fence,
      );
    },
  );
});
