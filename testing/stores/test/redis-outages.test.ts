import { setTimeout as sleep } from "node:timers/promises";
import type { TokenStore } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { afterAll, beforeAll, describe, it } from "vitest";
import { appProcesses } from "./support/app-processes.js";
import { redisClients } from "./support/redis-clients.js";
import { expectSecretsInPlace, registerApp } from "./support/registered-app.js";
import { failureOf, settlesWithin } from "./support/settling.js";

/** The time limit of sources whose store does not answer in this test. */
const BRIEF_MS = 1_500;

/** A little more than half the time limit of a source: a program waits so long for the token of another process. */
const HALF_A_LIMIT_MS = 31_000;

/** A lease that no test outlasts. */
const LONG_LEASE_MS = 3_600_000;

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(async () => {
  if (findRedisServer() !== undefined) expectSecretsInPlace(talkdesk);
  await talkdesk.stop();
});

// The tests wait at the same time. Each has an `expect` of its own, without which `expect.poll` finds no test.
describe.skipIf(findRedisServer() === undefined)("with a Redis server", { concurrent: true }, () => {
  describe.each(redisClients)("and a client of $name", { concurrent: true }, ({ connect }) => {
    /** A server, and an app whose user has logged in and has a token that has expired. */
    async function setStage() {
      const server = await startRedisServer({ appendOnly: true });
      const app = registerApp(talkdesk);
      const processes = appProcesses(app, () => connect(server));
      await processes.logIn();
      app.expireTokens();
      return {
        ...processes,
        server,
        app,
        async [Symbol.asyncDispose]() {
          await processes[Symbol.asyncDispose]();
          await server.stop();
        },
      };
    }

    it("goes on without a server that is down, spends no refresh token, and goes on with it when it is back", async ({
      expect,
    }) => {
      await using stage = await setStage();
      const { server, app } = stage;
      await server.kill();
      const program = stage.openProgram();
      const session = stage.openSession();
      const token = await program.getToken();
      const error = await app.runOutOfTime(failureOf(session.getToken()));
      expect(error).toMatchObject({ code: "store_unavailable", retryable: true });
      expect(app.requests("client_credentials")).toHaveLength(1);
      expect(app.requests("refresh_token")).toHaveLength(0);
      expect(app.events).toContainEqual(
        expect.objectContaining({
          type: "store_failed",
          error: expect.objectContaining({ code: "store_unavailable" }),
        }),
      );

      await server.restart();
      await expect.poll(async () => (await session.getToken()).value, { interval: 200 }).toBeTypeOf("string");
      expect(app.requests("refresh_token")).toHaveLength(1);
      expect((await program.getToken()).value).toBe(token.value);
      expect((await stage.openSession().getToken()).value).toBe((await session.getToken()).value);
      expect(app.requests("refresh_token")).toHaveLength(1);
      expect(app.events.map(({ type }) => type)).not.toContain("session_ended");
    });

    it.for(["killed", "paused"] as const)(
      "hands out the token of a refresh during which the server was %s, and stores it when the server is back",
      async (how, { expect }) => {
        await using stage = await setStage();
        const { server, app } = stage;
        const store = stage.openStore();
        let writes = 0;
        const write: TokenStore["write"] = (...args) => {
          writes += 1;
          return store.write(...args);
        };
        const session = stage.openSession({ store: { ...store, write } });
        const answer = app.holdAnswer();
        const call = session.getToken();
        await answer.isThere;
        if (how === "killed") await server.kill();
        else server.pause();
        answer.release();
        // The first one was the mark of the attempt.
        await expect.poll(() => writes).toBeGreaterThan(1);
        const { value } = await app.runOutOfTime(call);
        expect(app.events.map(({ type }) => type)).toContain("store_failed");
        expect((await session.getToken()).value).toBe(value);

        if (how === "killed") await server.restart();
        else server.resume();
        // It waits for the lock, which is held until the new refresh token is stored.
        expect((await stage.openSession().getToken()).value).toBe(value);
        expect(app.requests("refresh_token")).toHaveLength(1);
        app.expireTokens();
        await Promise.all([stage.openSession().getToken(), stage.openSession().getToken()]);
        expect(app.requests("refresh_token")).toHaveLength(2);
      },
    );

    it.for(["killed", "paused"] as const)(
      "leaves no lock of a caller who gave up while the server was %s",
      async (how, { expect }) => {
        await using stage = await setStage();
        const { server, app } = stage;
        const connected = stage.openStore();
        expect(await connected.read("a key")).toBeUndefined();
        if (how === "killed") await server.kill();
        else server.pause();
        // A client that is sure to have no connection queues the command.
        const store = how === "killed" ? stage.openStore() : connected;
        const session = stage.openSession({ timeoutMs: BRIEF_MS });
        const signal = AbortSignal.timeout(BRIEF_MS);
        const [rejection, error] = await Promise.all([
          settlesWithin(
            BRIEF_MS,
            store.lock("a key", { ttlMs: LONG_LEASE_MS, signal }).catch((reason: unknown) => reason),
          ),
          settlesWithin(BRIEF_MS, failureOf(session.getToken())),
        ]);
        expect(rejection).toBeInstanceOf(Error);
        expect(error).toMatchObject({ code: "store_unavailable", retryable: true });

        if (how === "killed") await server.restart();
        else server.resume();
        // Answered after the command that comes late.
        await store.read("a key");
        const other = stage.openStore();
        const lock = (): Promise<unknown> => other.lock("a key", { ttlMs: LONG_LEASE_MS });
        await expect.poll(lock, { interval: 50 }).toBeDefined();
        await stage.openSession().getToken();
        expect(app.requests("refresh_token")).toHaveLength(1);
      },
    );

    it("waits for a slow server before a refresh, and goes on without it for the token of a program", async ({
      expect,
    }) => {
      await using stage = await setStage();
      const [program, session] = [stage.openProgram(), stage.openSession()];
      await stage.server.command("CLIENT", "PAUSE", 2_000, "ALL");
      await Promise.all([program.getToken(), session.getToken()]);
      expect(stage.app.requests("client_credentials")).toHaveLength(1);
      expect(stage.app.requests("refresh_token")).toHaveLength(1);
    });

    it("never refreshes without the lock that another process holds, and takes what that process brings", async ({
      expect,
    }) => {
      await using stage = await setStage();
      const { app } = stage;
      const held = await stage.openStore().lock("session", { ttlMs: LONG_LEASE_MS });
      const session = stage.openSession();
      const { code, retryable } = await app.runOutOfTime(failureOf(session.getToken()));
      // The time may run out while the store is asked once more.
      expect(["lock_timeout", "store_unavailable"]).toContain(code);
      expect(retryable).toBe(true);
      expect(app.requests("refresh_token")).toHaveLength(0);
      await held?.release();

      const answer = app.holdAnswer();
      const holder = stage.openSession();
      const renewed = holder.getToken();
      await answer.isThere;
      const waiting = [stage.openSession().getToken(), stage.openSession().getToken()];
      answer.release();
      const tokens = await Promise.all([renewed, ...waiting]);
      expect(new Set(tokens.map(({ value }) => value)).size).toBe(1);
      expect(app.requests("refresh_token")).toHaveLength(1);
    });

    it("lets a program go on alone when another process holds the lock for too long", async ({ expect }) => {
      await using stage = await setStage();
      const held = await stage.openStore().lock("program", { ttlMs: LONG_LEASE_MS });
      expect(held).toBeDefined();
      const call = stage.openProgram().getToken();
      await sleep(200);
      stage.app.passTime(HALF_A_LIMIT_MS);
      expect((await call).value).toBeTypeOf("string");
      expect(stage.app.requests("client_credentials")).toHaveLength(1);
    });
  });
});
