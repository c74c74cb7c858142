import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  encryptedStore,
  requestToken,
  type TokenEvent,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { type IoredisClient, type RedisClient, redisStore } from "@talkdesk-oauth/redis";
import { Redis } from "ioredis";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newestPackages } from "./support/clients.js";
import { redisOfFile } from "./support/redis-of-file.js";
import { rejectionOf } from "./support/rejection.js";

const REDIRECT_URI = "https://app.example/callback";

describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
  const at = redisOfFile();
  let talkdesk: Emulator;
  beforeAll(async () => {
    talkdesk = await startEmulator();
  });
  afterAll(() => talkdesk?.stop());
  beforeEach(() => talkdesk.requests.clear());

  function clientOf({ clientId, clientSecret } = talkdesk.clients.get(), timeoutMs = 30_000) {
    const authentication = clientSecretBasic({ clientId, clientSecret });
    return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication, timeoutMs });
  }

  const storeOn = (client: RedisClient) => redisStore({ client, prefix: at.prefix });

  function sourceOn(
    client: RedisClient,
    onEvent: (event: TokenEvent) => void = () => {},
  ): ClosableTokenSource {
    return clientCredentials(clientOf(), { store: storeOn(client), key: "reports", onEvent });
  }

  async function logIn(client: RedisClient, timeoutMs?: number): Promise<() => UserSession> {
    const registered = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
    const scope = "openid refresh_token";
    const { clientId } = registered;
    const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI, scope });
    const login = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI } as const;
    const token = await requestToken(clientOf(registered), login);
    const open = () =>
      userSession(clientOf(registered, timeoutMs), { store: storeOn(client), key: "a user" });
    await open().start(token);
    return open;
  }

  describe.each(newestPackages)("sources on a client of $name", ({ connect }) => {
    it("share one token, also after a restart", async () => {
      await using connection = await connect(at.server.url);
      const sources = [1, 2, 3, 4].map(() => sourceOn(connection.client));
      const calls = sources.flatMap((source) => Array.from({ length: 10 }, () => source.getToken()));
      const values = (await Promise.all(calls)).map(({ value }) => value);
      expect(new Set(values).size).toBe(1);
      const restarted = sourceOn(connection.client);
      expect((await restarted.getToken()).value).toBe(values[0]);
      expect(talkdesk.requests.to("token")).toHaveLength(1);
      await Promise.all([...sources, restarted].map((source) => source.close()));
    });

    it("renew one user's session once, and end it for all", async () => {
      await using connection = await connect(at.server.url);
      const open = await logIn(connection.client);
      const sessions = [open(), open(), open()];
      const [rejected] = await Promise.all(sessions.map((session) => session.getToken()));
      if (rejected === undefined) throw new Error("There is no token.");
      talkdesk.requests.clear();
      const renewed = await Promise.all(sessions.map((session) => session.getToken({ rejected })));
      expect(new Set(renewed.map(({ value }) => value)).size).toBe(1);
      expect(talkdesk.requests.to("token")).toHaveLength(1);
      await sessions[0]?.end();
      expect(await rejectionOf(open().getToken())).toMatchObject({ code: "reauthentication_required" });
    });

    it("replace a record that something else has changed", async () => {
      await using connection = await connect(at.server.url);
      const events: TokenEvent[] = [];
      const before = await sourceOn(connection.client).getToken();
      await at.redis.del(at.part("reports", "record"));
      await at.redis.set(at.part("reports", "record"), "text");
      const after = await sourceOn(connection.client, (event) => events.push(event)).getToken();
      expect(after.value).not.toBe(before.value);
      expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
        error: { code: "store_corrupt" },
      });
      expect((await sourceOn(connection.client).getToken()).value).toBe(after.value);
    });
  });

  it("ask the store a few times for a new token, and never for one that they hold", async () => {
    let count = 0;
    const counted: IoredisClient = {
      eval: (...input) => at.redis.eval(...input),
      evalsha(...input) {
        count += 1;
        return at.redis.evalsha(...input);
      },
    };
    const callsFor = async (task: () => Promise<unknown>): Promise<number> => {
      count = 0;
      await task();
      return count;
    };
    const [cold, second] = [sourceOn(counted), sourceOn(counted)];
    // Read, lock, read, write, release.
    expect(await callsFor(() => cold.getToken())).toBe(5);
    expect(await callsFor(() => cold.getToken())).toBe(0);
    expect(await callsFor(() => second.getToken())).toBe(1);
    await Promise.all([cold, second].map((source) => source.close()));

    const open = await logIn(counted);
    const session = open();
    expect(await callsFor(() => session.getToken())).toBe(1);
    const rejected = await session.getToken();
    expect(await callsFor(() => session.getToken())).toBe(0);
    expect(await callsFor(() => session.getToken({ rejected }))).toBeLessThanOrEqual(6);
  });

  it("go on alone without a server, and report the reason", async () => {
    const gone = new Redis(1, { retryStrategy: () => null }).on("error", () => {});
    const events: TokenEvent[] = [];
    const source = sourceOn(gone, (event) => events.push(event));
    expect((await source.getToken()).value).toBeTypeOf("string");
    expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
      error: { code: "store_unavailable", cause: { code: expect.any(String) } },
    });
    await source.close();
  });

  it("wait no longer than their time for a client that keeps commands until it is connected", async () => {
    const open = await logIn(at.redis);
    const offline = new Redis(1, { maxRetriesPerRequest: null }).on("error", () => {});
    const registered = talkdesk.clients.get();
    const session = userSession(clientOf(registered, 300), { store: storeOn(offline), key: "a user" });
    expect(await rejectionOf(session.getToken())).toMatchObject({ code: "store_unavailable" });
    offline.disconnect();
    expect((await open().getToken()).value).toBeTypeOf("string");
  });

  it("leave the session alone when a record was written by a newer version", async () => {
    const open = await logIn(at.redis);
    const record = at.part("a user", "record");
    await at.redis.hset(record, "format", "2");
    const before = await at.redis.hgetall(record);
    expect(await rejectionOf(open().getToken())).toMatchObject({
      code: "store_unavailable",
      cause: { code: "record_newer" },
    });
    expect(await at.redis.hgetall(record)).toEqual(before);
    await at.redis.hset(record, "format", "1");
    expect((await open().getToken()).value).toBeTypeOf("string");
  });

  it("keep members of a record that they do not know", async () => {
    const open = await logIn(at.redis);
    const record = at.part("a user", "record");
    const value = JSON.parse((await at.redis.hget(record, "value")) ?? "{}");
    await at.redis.hset(record, "value", JSON.stringify({ ...value, ofAnotherVersion: { kept: true } }));
    const session = open();
    const rejected = await session.getToken();
    expect((await session.getToken({ rejected })).value).not.toBe(rejected.value);
    expect(JSON.parse((await at.redis.hget(record, "value")) ?? "{}")).toMatchObject({
      ofAnotherVersion: { kept: true },
    });
  });

  it("show nothing of a token, with encryption", async () => {
    const secret = "Zm9yIHRoaXMgdGVzdCBhbG9uZSwgMzIgYnl0ZXMgbG9uZw";
    const store = encryptedStore(storeOn(at.redis), secret);
    const source = clientCredentials(clientOf(), { store, key: "reports" });
    const { value } = await source.getToken();
    const stored = JSON.stringify(await at.redis.hgetall(at.part("reports", "record")));
    expect(stored).not.toContain(value);
    expect(stored).toContain("talkdesk-encrypted-1");
    await source.close();
  });
});
