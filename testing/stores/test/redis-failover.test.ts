import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, type RedisServer, startRedisSentinel } from "@talkdesk-oauth/fixtures/redis-server";
import { redisStore } from "@talkdesk-oauth/redis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sentinelClients } from "./support/redis-clients.js";
import { expectSecretsInPlace, registerApp } from "./support/registered-app.js";
import { failureOf } from "./support/settling.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

/** Resolves when a replica has all that its master has. */
async function caughtUp(master: RedisServer, replica: RedisServer): Promise<void> {
  const offsetIn = async (server: RedisServer): Promise<string | undefined> =>
    /master_repl_offset:(\d+)/.exec(String(await server.command("INFO", "replication")))?.[1];
  await expect
    .poll(async () => (await offsetIn(master)) === (await offsetIn(replica)), { interval: 20 })
    .toBe(true);
}

describe.skipIf(findRedisServer() === undefined)("a failover that loses the last writes", () => {
  it("means logins where nobody knows them, names each rotation that is lost, and gives nobody another's token", async () => {
    await using sentinel = await startRedisSentinel();
    const { master, replica } = sentinel;
    const connections = await Promise.all(
      sentinelClients.map(async (kind) => ({ name: kind.name, ...(await kind.connect(sentinel)) })),
    );
    const subjects = connections.map(({ name, client }) => ({
      name,
      store: redisStore({ client, prefix: `${name}:` }),
      app: registerApp(talkdesk),
    }));
    const refreshes = await Promise.all(
      subjects.map(async ({ app, store }) => {
        for (const key of ["refreshed", "open", "kept"])
          await app.openSession({ store, key }).start(await app.logIn());
        app.expireTokens();
        const answer = app.holdAnswer();
        const session = app.openSession({ store, key: "refreshed" });
        const call = session.getToken();
        await answer.isThere;
        return { answer, call, session };
      }),
    );
    await caughtUp(master, replica);
    replica.pause();
    await master.command("CLIENT", "KILL", "TYPE", "replica");
    for (const { answer, call, session } of refreshes) {
      answer.release();
      await call;
      await session.close();
    }
    const openSessions = subjects.map(({ app, store }) => app.openSession({ store, key: "open" }));
    for (const session of openSessions) await session.getToken();
    for (const { app, store } of subjects) {
      await app.openSession({ store, key: "logged in last" }).start(await app.logIn());
    }
    await master.kill();
    replica.resume();
    await sentinel.failedOver();
    for (const lock of (await replica.command("KEYS", "*:lock")) as string[])
      await replica.command("DEL", lock);

    for (const [index, { app, store }] of subjects.entries()) {
      const tokenOf = (key: string) => app.openSession({ store, key }).getToken();
      expect(await failureOf(tokenOf("logged in last"))).toMatchObject({ code: "reauthentication_required" });
      app.expireTokens();
      expect(await failureOf(tokenOf("refreshed"))).toMatchObject({ code: "refresh_outcome_unknown" });
      expect((await tokenOf("kept")).value).toBeTypeOf("string");
      // The process that has seen the lost writes stores them again.
      const renewed = await openSessions[index]?.getToken();
      expect((await tokenOf("open")).value).toBe(renewed?.value);
      expect(app.requests("refresh_token")).toHaveLength(5);
      const login = await app.logIn();
      await app.openSession({ store, key: "refreshed" }).start(login);
      expect((await tokenOf("refreshed")).value).toBe(login.value);
    }
    for (const { close } of connections) close();
    expectSecretsInPlace(talkdesk, { sentAgain: 2 });
  });
});
