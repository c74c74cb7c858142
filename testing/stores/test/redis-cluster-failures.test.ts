import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import {
  findRedisServer,
  type RedisCluster,
  type RedisServer,
  startRedisCluster,
} from "@talkdesk-oauth/fixtures/redis-server";
import { redisStore } from "@talkdesk-oauth/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { clusterClients } from "./support/redis-clients.js";
import { expectSecretsInPlace, registerApp } from "./support/registered-app.js";
import { failureOf, settlesWithin } from "./support/settling.js";

/** The time limit of sources whose node is down. */
const BRIEF_MS = 2_500;

const KEYS = Array.from({ length: 12 }, (_, index) => `key-${index}`);

describe.skipIf(findRedisServer() === undefined)("with a cluster of three nodes", () => {
  let talkdesk: Emulator;
  let cluster: RedisCluster;
  beforeAll(async () => {
    talkdesk = await startEmulator();
    cluster = await startRedisCluster();
  });
  afterAll(async () => {
    await cluster?.stop();
    await talkdesk?.stop();
  });

  /** The names under which a node has what belongs to a key of a store. */
  const namesAt = async (node: RedisServer, key: string): Promise<readonly string[]> =>
    ((await node.command("KEYS", `*${key}*`)) as readonly string[]).filter((name) =>
      name.includes(`{${key}}`),
    );

  async function nodeOf(key: string): Promise<RedisServer> {
    for (const node of cluster.nodes) if ((await namesAt(node, key)).length > 0) return node;
    throw new Error("No node has the key.");
  }

  /** Begins to move the slot of a key to another node. The first step moves its data, the second tells all nodes. */
  async function beginMove(
    key: string,
  ): Promise<readonly [moveData: () => Promise<void>, finish: () => Promise<void>]> {
    const from = await nodeOf(key);
    const to = cluster.nodes.find((node) => node !== from) as RedisServer;
    const [fromId, toId] = [await from.command("CLUSTER", "MYID"), await to.command("CLUSTER", "MYID")].map(
      String,
    );
    const [name = ""] = await namesAt(from, key);
    const slot = Number(await from.command("CLUSTER", "KEYSLOT", name));
    await to.command("CLUSTER", "SETSLOT", slot, "IMPORTING", String(fromId));
    await from.command("CLUSTER", "SETSLOT", slot, "MIGRATING", String(toId));
    return [
      async () => {
        const names = await namesAt(from, key);
        await from.command("MIGRATE", to.host, to.port, "", 0, 30_000, "KEYS", ...names);
      },
      async () => {
        for (const node of [to, ...cluster.nodes])
          await node.command("CLUSTER", "SETSLOT", slot, "NODE", String(toId));
      },
    ];
  }

  it.each(clusterClients)(
    "goes on while a slot moves to another node, with $name",
    async ({ name, connect }) => {
      const { client, close } = await connect(cluster);
      const store = redisStore({ client, prefix: `${name}:` });
      const app = registerApp(talkdesk);
      const login = await app.logIn();
      await app.openSession({ store, key: name }).start(login);
      const [moveData, finish] = await beginMove(name);
      await moveData();
      expect((await app.openSession({ store, key: name }).getToken()).value).toBe(login.value);
      // Nothing that is not there yet can be made until the move is finished, so no lock is given.
      app.expireTokens();
      const session = app.openSession({ store, key: name });
      const renewing = expect.poll(() => session.getToken().then(({ value }) => value)).toBeTypeOf("string");
      await finish();
      await renewing;
      const { value } = await session.getToken();
      expect((await app.openSession({ store, key: name }).getToken()).value).toBe(value);
      expect(app.requests("refresh_token")).toHaveLength(1);
      close();
    },
  );

  it("goes on for the keys of other nodes while one is down, and for its own when it is back", async () => {
    const subjects = await Promise.all(
      clusterClients.map(async ({ name, connect }) => {
        const { client, close } = await connect(cluster);
        return { close, store: redisStore({ client, prefix: `${name}:` }), app: registerApp(talkdesk) };
      }),
    );
    for (const { app, store } of subjects) {
      const token = await app.logIn();
      for (const key of KEYS) await app.openSession({ store, key, token }).getToken();
    }
    const [lost = ""] = KEYS;
    const down = await nodeOf(lost);
    const others: string[] = [];
    for (const key of KEYS) if ((await nodeOf(key)) !== down) others.push(key);
    expect(others.length).toBeGreaterThan(0);
    await down.kill();
    const failureOfLost = ({ app, store }: (typeof subjects)[number]) =>
      failureOf(app.openSession({ store, key: lost, timeoutMs: BRIEF_MS }).getToken());
    await Promise.all(
      subjects.map(async (subject) => {
        expect(await settlesWithin(BRIEF_MS, failureOfLost(subject))).toMatchObject({
          code: "store_unavailable",
          retryable: true,
        });
        const { app, store } = subject;
        for (const key of others) {
          expect((await app.openSession({ store, key }).getToken()).value).toBeTypeOf("string");
        }
      }),
    );
    // It has its slots again, and no data.
    await down.restart();
    for (const subject of subjects) {
      await expect.poll(async () => (await failureOfLost(subject)).code).toBe("reauthentication_required");
      const { app, store, close } = subject;
      const login = await app.logIn();
      await app.openSession({ store, key: lost }).start(login);
      expect((await app.openSession({ store, key: lost }).getToken()).value).toBe(login.value);
      expect(app.requests("refresh_token")).toHaveLength(0);
      close();
    }
    expectSecretsInPlace(talkdesk);
  });
});
