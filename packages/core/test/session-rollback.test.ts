import { type AccessToken, deserializeToken, type TokenEvent, userSession } from "@talkdesk-oauth/core";
import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "./support/lifecycle-fixture.js";
import {
  failure,
  loginTokenAt,
  RotatingEndpoint,
  sessionClient,
  TestStore,
} from "./support/session-fixture.js";

const KEY = "session-1";

let clock: VirtualClock;
let store: TestStore;
let endpoint: RotatingEndpoint;
let events: TokenEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  store = new TestStore(clock);
  endpoint = new RotatingEndpoint();
  events = [];
});

const loginToken = (members?: Parameters<typeof loginTokenAt>[1]): AccessToken =>
  loginTokenAt(clock, members);

const open = (options: { token?: AccessToken } = {}) =>
  userSession(sessionClient(endpoint, clock), {
    store,
    key: KEY,
    onEvent: (event) => events.push(event),
    ...options,
  });

/** Takes the record out, as a backup does, and puts it back: the store has forgotten what came after. */
function backUp(): () => void {
  const record = store.records.get(KEY);
  if (record === undefined) throw new Error("There is no record.");
  // A store never repeats a version.
  return () => store.records.set(KEY, { ...record, version: record.version + 1_000, fence: 0 });
}

const expire = (): void => clock.pass(599_000);

const storedRefreshToken = (): string | undefined =>
  deserializeToken(store.records.get(KEY)?.value ?? "").refreshToken;

describe("a store that has lost its last writes", () => {
  it("gets them back from a process that knows them, and the session goes on", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    const restore = backUp();
    for (let renewal = 0; renewal < 3; renewal += 1) {
      expire();
      await session.getToken();
    }
    restore();
    expire();
    expect((await session.getToken()).value).toBe("at-4");
    expect(endpoint.received).toEqual(["rt-0", "rt-1", "rt-2", "rt-3"]);
    expect(storedRefreshToken()).toBe("rt-4");
    expect(events.filter(({ type }) => type === "store_failed")).toMatchObject([
      { error: { code: "store_corrupt", message: expect.stringContaining("has lost the last writes") } },
    ]);
    expect(events.map(({ type }) => type)).not.toContain("session_ended");
  });

  it("gets them back from a process that has only read them", async () => {
    const renewing = open({ token: loginToken() });
    await renewing.getToken();
    const restore = backUp();
    expire();
    await renewing.getToken();
    const reading = open();
    expect((await reading.getToken()).value).toBe("at-1");
    restore();
    expire();
    expect((await reading.getToken()).value).toBe("at-2");
    expect(endpoint.received).toEqual(["rt-0", "rt-1"]);
  });

  it("gets them back although the old refresh token has expired", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    const restore = backUp();
    expire();
    await session.getToken();
    restore();
    const { value, ...rest } = store.records.get(KEY) as { value: string; version: number; fence: number };
    const { source, ...members } = JSON.parse(value) as { source: object };
    const expired = { ...members, source: { ...source, refreshTokenExpiresAt: clock.now() } };
    store.records.set(KEY, { ...rest, value: JSON.stringify(expired) });
    expire();
    expect((await session.getToken()).value).toBe("at-2");
    expect(endpoint.received).toEqual(["rt-0", "rt-1"]);
  });

  it("gets the successor of a refresh during which it lost them", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    const restore = backUp();
    expire();
    await session.getToken();
    expire();
    endpoint.treat = () => {
      restore();
      return "answers";
    };
    expect((await session.getToken()).value).toBe("at-2");
    expect(storedRefreshToken()).toBe("rt-2");
    expect(endpoint.received).toEqual(["rt-0", "rt-1"]);
  });

  it("means a login when no process knows them, and is told so once", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    const restore = backUp();
    expire();
    await session.getToken();
    await session.close();
    restore();
    expire();
    expect((await failure(open().getToken())).code).toBe("reauthentication_required");
    expect((await failure(open().getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual(["rt-0", "rt-0"]);
  });

  it("keeps what another process wrote after the loss, such as a new login", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    expire();
    await session.getToken();
    store.records.delete(KEY);
    const login = endpoint.login();
    // A process whose clock is behind finishes it.
    const token = loginToken({ ...login, issuedAt: clock.now() - 700_000 });
    await open().start(token);
    expire();
    expect((await session.getToken()).value).toBe("at-3");
    expect(endpoint.received).toEqual(["rt-0", "rt-2"]);
  });

  it("keeps the record of an older version, which does not count renewals", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    expire();
    await session.getToken();
    const { value, ...rest } = store.records.get(KEY) as { value: string; version: number; fence: number };
    const { login, renewals, ...source } = (JSON.parse(value) as { source: Record<string, unknown> }).source;
    expect([login, renewals]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), 1]);
    const next = endpoint.login();
    const older = { ...JSON.parse(value), ...next, source };
    store.records.set(KEY, { ...rest, version: rest.version + 1, value: JSON.stringify(older) });
    expire();
    expect((await session.getToken()).value).toBe("at-3");
    expect(endpoint.received).toEqual(["rt-0", "rt-2"]);
  });

  it("stays without a session that was ended", async () => {
    const session = open({ token: loginToken() });
    const other = open();
    await session.getToken();
    await other.getToken();
    expire();
    await session.end();
    expect((await failure(other.getToken())).code).toBe("reauthentication_required");
    expect(store.records.size).toBe(0);
  });
});
