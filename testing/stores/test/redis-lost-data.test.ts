import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TokenStore } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { appProcesses } from "./support/app-processes.js";
import { redisClients } from "./support/redis-clients.js";
import { expectSecretsInPlace, registerApp } from "./support/registered-app.js";
import { failureOf } from "./support/settling.js";

/** A lease that no test outlasts. */
const LEASE_MS = 3_600_000;

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(async () => {
  // Twice, a test brings back a refresh token that was exchanged, and nothing is left that knows.
  if (findRedisServer() !== undefined) expectSecretsInPlace(talkdesk, { sentAgain: 2 });
  await talkdesk.stop();
});

/** Keeps a copy of the server's data, as a backup does. */
async function backUp(server: RedisServer) {
  const folder = String(await server.command("CONFIG", "GET", "dir")).split(",")[1] ?? "";
  const data = join(folder, "appendonlydir");
  const copy = mkdtempSync(join(tmpdir(), "redis-backup-"));
  await server.kill();
  cpSync(data, copy, { recursive: true });
  await server.restart();
  return {
    async restore(): Promise<void> {
      await server.kill();
      rmSync(data, { recursive: true });
      cpSync(copy, data, { recursive: true });
      await server.restart();
    },
    [Symbol.dispose]: () => rmSync(copy, { recursive: true }),
  };
}

/** Does at once what time does: the data has the lock of a holder that is gone. */
async function endLeases(server: RedisServer): Promise<void> {
  const locks = await server.command("KEYS", "*:lock");
  expect(locks).toHaveLength(1);
  await server.command("DEL", String(locks));
}

async function write(store: TokenStore, key: string, value: string, fence?: number): Promise<number> {
  const { version = 0 } = (await store.read(key)) ?? {};
  const written = await store.write(key, value, {
    expectedVersion: version,
    ...(fence !== undefined && { fence }),
  });
  expect(written).toBeGreaterThan(version);
  return Number(written);
}

async function takeLock(store: TokenStore, key: string) {
  const lock = await store.lock(key, { ttlMs: LEASE_MS });
  if (lock === undefined) throw new Error("The lock is held.");
  return lock;
}

describe.skipIf(findRedisServer() === undefined)("with a Redis server", { concurrent: true }, () => {
  // Which client asks makes no difference here: each test waits until it is connected again.
  const [{ connect }] = redisClients;

  async function setStage(options: { readonly appendOnly: boolean }) {
    const server = await startRedisServer(options);
    const app = registerApp(talkdesk);
    const processes = appProcesses(app, () => connect(server));
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

  it("loses nothing in a restart with an append-only file", async () => {
    await using stage = await setStage({ appendOnly: true });
    const { server, app } = stage;
    const login = await stage.logIn();
    await takeLock(stage.openStore(), "a key");
    await server.restart();
    expect((await stage.openSession().getToken()).value).toBe(login.value);
    expect(await stage.openStore().lock("a key", { ttlMs: LEASE_MS })).toBeUndefined();
    app.expireTokens();
    await stage.openSession().getToken();
    expect(app.requests("refresh_token")).toHaveLength(1);
  });

  it("asks for logins after a restart without one, and gives nobody another's token", async () => {
    await using stage = await setStage({ appendOnly: false });
    const { server, app } = stage;
    await Promise.all([stage.logIn("first"), stage.logIn("second")]);
    const holder = stage.openSession({ key: "first" });
    const held = await holder.getToken();
    await server.restart();
    for (const key of ["first", "second"]) {
      expect((await failureOf(stage.openSession({ key }).getToken())).code).toBe("reauthentication_required");
    }
    // The token that a process holds is still good.
    expect((await holder.getToken()).value).toBe(held.value);
    const next = await stage.logIn("second");
    expect((await stage.openSession({ key: "second" }).getToken()).value).toBe(next.value);
    expect((await failureOf(stage.openSession({ key: "first" }).getToken())).code).toBe(
      "reauthentication_required",
    );
    expect(app.requests("refresh_token")).toHaveLength(0);
  });

  it("repeats no version and no fence after a restart that loses all", async () => {
    await using stage = await setStage({ appendOnly: false });
    const store = stage.openStore();
    const before = await takeLock(store, "a key");
    const version = await write(store, "a key", "before", before.fence);
    await stage.server.restart();
    const after = stage.openStore();
    const lock = await takeLock(after, "a key");
    expect(lock.fence).toBeGreaterThan(version);
    expect(await before.extend?.(LEASE_MS)).toBe(false);
    await before.release();
    expect(await after.lock("a key", { ttlMs: LEASE_MS })).toBeUndefined();
    expect(await write(after, "a key", "after", lock.fence)).toBeGreaterThan(version);
    expect(await store.write("a key", "late", { expectedVersion: version })).toBeUndefined();
    const { version: current = 0 } = (await store.read("a key")) ?? {};
    const late = { expectedVersion: current, fence: before.fence };
    expect(await store.write("a key", "late", late)).toBeUndefined();
    expect((await after.read("a key"))?.value).toBe("after");
  });

  it("gives a lock to one holder after it was flushed away", async () => {
    await using stage = await setStage({ appendOnly: false });
    const store = stage.openStore();
    const flushed = await takeLock(store, "a key");
    await stage.server.command("FLUSHALL");
    const lock = await takeLock(stage.openStore(), "a key");
    expect(lock.fence).toBeGreaterThan(flushed.fence);
    expect(await flushed.extend?.(LEASE_MS)).toBe(false);
    await flushed.release();
    expect(await store.lock("a key", { ttlMs: LEASE_MS })).toBeUndefined();
    await write(store, "a key", "of the holder", lock.fence);
    await store.delete("a key");
    expect(await store.write("a key", "late", { expectedVersion: 0, fence: flushed.fence })).toBeUndefined();
  });

  it("asks for a login when the session was flushed away during its refresh", async () => {
    await using stage = await setStage({ appendOnly: false });
    const { server, app } = stage;
    await stage.logIn();
    app.expireTokens();
    const answer = app.holdAnswer();
    const session = stage.openSession();
    const error = failureOf(session.getToken());
    await answer.isThere;
    await server.command("FLUSHALL");
    answer.release();
    expect((await error).code).toBe("reauthentication_required");
    expect(app.events.map(({ type }) => type)).toContain("session_ended");
    // Like a session that was ended: nothing of it comes back.
    expect(await stage.openStore().read("session")).toBeUndefined();
    const login = await app.logIn();
    await session.start(login);
    expect((await stage.openSession().getToken()).value).toBe(login.value);
    expect(app.requests("refresh_token")).toHaveLength(1);
  });

  it("keeps a session whose data is of before its last refreshes while a process knows the later ones", async () => {
    await using stage = await setStage({ appendOnly: true });
    const { server, app } = stage;
    await stage.logIn();
    using backup = await backUp(server);
    const session = stage.openSession();
    for (let refresh = 0; refresh < 2; refresh += 1) {
      app.expireTokens();
      await session.getToken();
    }
    await backup.restore();
    app.expireTokens();
    const { value } = await session.getToken();
    expect((await stage.openSession().getToken()).value).toBe(value);
    expect(app.requests("refresh_token")).toHaveLength(3);
    expect(app.events.map(({ type }) => type)).not.toContain("session_ended");
  });

  it("names the end of a session whose data is of before its last refresh", async () => {
    await using stage = await setStage({ appendOnly: true });
    const { server, app } = stage;
    await stage.logIn();
    using backup = await backUp(server);
    app.expireTokens();
    const session = stage.openSession();
    await session.getToken();
    await session.close();
    await backup.restore();
    app.expireTokens();
    const error = await failureOf(stage.openSession().getToken());
    expect(error).toMatchObject({ code: "reauthentication_required", error: "invalid_grant" });
    expect(app.events.map(({ type }) => type)).toContain("session_ended");
    // No process sends it again.
    expect((await failureOf(stage.openSession().getToken())).code).toBe("reauthentication_required");
    expect(app.requests("refresh_token")).toHaveLength(2);
    const login = await stage.logIn();
    expect((await stage.openSession().getToken()).value).toBe(login.value);
  });

  it("says that the outcome is unknown when its data is of the middle of a refresh", async () => {
    await using stage = await setStage({ appendOnly: true });
    const { server, app } = stage;
    await stage.logIn();
    app.expireTokens();
    const answer = app.holdAnswer();
    const session = stage.openSession();
    const call = session.getToken();
    await answer.isThere;
    using backup = await backUp(server);
    answer.release();
    await call;
    await session.close();
    await backup.restore();
    app.expireTokens();
    await endLeases(server);
    const error = await failureOf(stage.openSession().getToken());
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    expect(app.events.map(({ type }) => type)).not.toContain("session_ended");
  });

  it("repeats no version and no fence after old data was restored", async () => {
    await using stage = await setStage({ appendOnly: true });
    const store = stage.openStore();
    await write(store, "a key", "of yesterday");
    using backup = await backUp(stage.server);
    const lock = await takeLock(store, "a key");
    const version = await write(store, "a key", "of today", lock.fence);
    await backup.restore();
    expect((await store.read("a key"))?.value).toBe("of yesterday");
    expect(await store.write("a key", "late", { expectedVersion: version })).toBeUndefined();
    const next = await takeLock(stage.openStore(), "a key");
    expect(next.fence).toBeGreaterThan(version);
    expect(await write(store, "a key", "again", next.fence)).toBeGreaterThan(version);
    const { version: current = 0 } = (await store.read("a key")) ?? {};
    expect(
      await store.write("a key", "late", { expectedVersion: current, fence: lock.fence }),
    ).toBeUndefined();
  });

  it("refuses the record of a newer version without deleting it, and goes on when that is gone", async () => {
    await using stage = await setStage({ appendOnly: false });
    const { server, app } = stage;
    await stage.logIn();
    app.expireTokens();
    const [name = ""] = (await server.command("KEYS", "*:record")) as readonly string[];
    await server.command("HSET", name, "format", 2);
    const before = await server.command("HGETALL", name);
    const session = stage.openSession();
    const error = await failureOf(session.getToken());
    expect(error).toMatchObject({
      code: "store_unavailable",
      retryable: true,
      cause: { code: "record_newer" },
    });
    expect(await server.command("HGETALL", name)).toEqual(before);
    expect(app.requests("refresh_token")).toHaveLength(0);
    await server.command("HSET", name, "format", 1);
    expect((await session.getToken()).value).toBeTypeOf("string");
  });

  it("refuses writes when memory is full, spends no refresh token, and saves what it has when there is room", async () => {
    await using stage = await setStage({ appendOnly: false });
    const { server, app } = stage;
    const setRoom = (bytes: number) => server.command("CONFIG", "SET", "maxmemory", bytes);
    await stage.logIn();
    app.expireTokens();
    await setRoom(1);
    const session = stage.openSession();
    const error = await failureOf(session.getToken());
    expect(error).toMatchObject({ code: "store_unavailable", cause: { code: "OOM" } });
    expect(app.requests("refresh_token")).toHaveLength(0);
    await stage.openProgram().getToken();

    await setRoom(0);
    const answer = app.holdAnswer();
    const call = session.getToken();
    await answer.isThere;
    await setRoom(1);
    answer.release();
    const { value } = await call;
    expect(app.events.filter(({ type }) => type === "store_failed").at(-1)).toMatchObject({
      error: { code: "store_unavailable", cause: { code: "OOM" } },
    });
    expect((await session.getToken()).value).toBe(value);
    await setRoom(0);
    expect((await stage.openSession().getToken()).value).toBe(value);
    expect(app.requests("refresh_token")).toHaveLength(1);
  });
});
