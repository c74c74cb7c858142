import {
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  requestToken,
  type TokenEvent,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type DatabaseFile, databaseFile } from "./support/database-file.js";
import { drivers, type Handle } from "./support/drivers.js";
import { rejectionOf } from "./support/rejection.js";

const REDIRECT_URI = "https://app.example/callback";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk?.stop());
beforeEach(() => talkdesk.requests.clear());

function clientOf({ clientId, clientSecret } = talkdesk.clients.get()) {
  const authentication = clientSecretBasic({ clientId, clientSecret });
  return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication });
}

function sourceOn(database: Handle, onEvent: (event: TokenEvent) => void = () => {}): ClosableTokenSource {
  return clientCredentials(clientOf(), { store: sqliteStore(database), key: "reports", onEvent });
}

async function loggedIn(file: DatabaseFile): Promise<() => UserSession> {
  const client = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
  const scope = "openid refresh_token";
  const { code } = await talkdesk.authorize({ clientId: client.clientId, redirectUri: REDIRECT_URI, scope });
  const login = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI } as const;
  const token = await requestToken(clientOf(client), login);
  const open = () => userSession(clientOf(client), { store: sqliteStore(file.open()), key: "a user" });
  await open().start(token);
  return open;
}

describe.each(drivers)("sources on a file of $name", (driver) => {
  it("share one token, also after a restart", async () => {
    using file = databaseFile(driver);
    const sources = [1, 2, 3, 4].map(() => sourceOn(file.open()));
    const calls = sources.flatMap((source) => Array.from({ length: 10 }, () => source.getToken()));
    const values = (await Promise.all(calls)).map(({ value }) => value);
    expect(new Set(values).size).toBe(1);
    const restarted = sourceOn(file.open());
    expect((await restarted.getToken()).value).toBe(values[0]);
    expect(talkdesk.requests.to("token")).toHaveLength(1);
    await Promise.all([...sources, restarted].map((source) => source.close()));
  });

  it("renew one user's session once, and end it for all", async () => {
    using file = databaseFile(driver);
    const open = await loggedIn(file);
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

  it("go on without a store that fails, and report SQLite's reason", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const events: TokenEvent[] = [];
    const source = sourceOn(database, (event) => events.push(event));
    await sqliteStore(database).read("reports");
    database.exec("PRAGMA query_only = 1");
    expect((await source.getToken()).value).toBeTypeOf("string");
    const failure = events.find(({ type }) => type === "store_failed");
    expect(failure).toMatchObject({
      error: { code: "store_unavailable", cause: { code: "SQLITE_READONLY" } },
    });
    await source.close();
  });

  it("replace a record that something else has changed", async () => {
    using file = databaseFile(driver);
    const database = file.open();
    const events: TokenEvent[] = [];
    const before = await sourceOn(file.open()).getToken();
    database.exec("UPDATE talkdesk_oauth_tokens SET value = 17");
    const after = await sourceOn(database, (event) => events.push(event)).getToken();
    expect(after.value).not.toBe(before.value);
    expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
      error: { code: "store_corrupt" },
    });
    expect((await sourceOn(file.open()).getToken()).value).toBe(after.value);
  });
});
