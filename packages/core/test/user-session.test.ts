import {
  type AccessToken,
  accessToken,
  deserializeToken,
  serializeToken,
  type TokenEvent,
  type UserSession,
  type UserSessionOptions,
  userSession,
} from "@talkdesk-oauth/core";
import { beforeEach, describe, expect, it } from "vitest";
import { settled, VirtualClock } from "./support/lifecycle-fixture.js";
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

/** One process. */
const open = (options: Partial<UserSessionOptions> = {}): UserSession =>
  userSession(sessionClient(endpoint, clock), {
    store,
    key: KEY,
    onEvent: (event) => events.push(event),
    ...options,
  });

const stored = (): AccessToken => deserializeToken(store.records.get(KEY)?.value ?? "");
const eventTypes = (): string[] => events.map(({ type }) => type);

/** Time passes until `work` settles. */
async function inTime<T>(work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  work.then(settle, settle);
  for (let steps = 0; !isSettled && steps < 2_000; steps += 1) await clock.advance(20);
  return work;
}

describe("one session in one process", () => {
  it("hands out the login's token without a refresh, and has stored it by then", async () => {
    const token = await open({ token: loginToken() }).getToken();
    expect(token.value).toBe("at-login");
    expect(stored().refreshToken).toBe("rt-0");
    expect(endpoint.received).toEqual([]);
  });

  it("goes on from the store after a restart, also from a bare serialized token", async () => {
    await store.write(KEY, serializeToken(loginToken()), { expectedVersion: 0 });
    expect((await open().getToken()).value).toBe("at-login");
  });

  it("refreshes when the token expires, and stores the successor before a caller gets it", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    const token = await session.getToken();
    expect(token.value).toBe("at-1");
    expect(stored().refreshToken).toBe("rt-1");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("sends each refresh token once, over many lives", async () => {
    const session = open({ token: loginToken() });
    for (let life = 0; life < 5; life += 1) {
      clock.pass(599_000);
      await session.getToken();
    }
    expect(endpoint.received).toEqual(["rt-0", "rt-1", "rt-2", "rt-3", "rt-4"]);
  });

  it("refreshes once for any number of callers", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    const tokens = await Promise.all(Array.from({ length: 100 }, () => session.getToken()));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(["at-1"]));
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("keeps the refresh token when none, or the same, comes back", async () => {
    endpoint.rotates = false;
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    expect((await session.getToken()).refreshToken).toBe("rt-0");
    endpoint.members = () => ({ refresh_token: null });
    clock.pass(599_000);
    expect((await session.getToken()).value).toBe("at-2");
    expect(stored().refreshToken).toBe("rt-0");
  });

  it("replaces a token that the API refuses", async () => {
    const session = open({ token: loginToken() });
    const rejected = await session.getToken();
    expect((await session.getToken({ rejected })).value).toBe("at-1");
  });

  it("asks for fewer scopes when told, and does not hand out the wider token", async () => {
    const session = open({ token: loginToken({ scope: ["a", "b"] }), scope: "a" });
    endpoint.members = () => ({ scope: "a" });
    expect((await session.getToken()).value).toBe("at-1");
    expect(endpoint.scopes).toEqual(["a"]);
  });

  it("does not refresh again for scopes that the stored token has", async () => {
    const first = open({ token: loginToken({ scope: ["a", "b"] }), scope: "a" });
    await first.getToken();
    expect((await open({ scope: "a" }).getToken()).value).toBe("at-1");
    expect(endpoint.received).toHaveLength(1);
  });

  it("says what to do without a login", async () => {
    const error = await failure(open().getToken());
    expect(error.code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual([]);
  });

  it("says what to do without a refresh token", async () => {
    const token = accessToken({ value: "at", issuedAt: clock.now(), expiresAt: clock.now() + 599_000 });
    const session = open({ token });
    expect((await session.getToken()).value).toBe("at");
    clock.pass(599_000);
    const error = await failure(session.getToken());
    expect(error.code).toBe("reauthentication_required");
    expect(error.message).toContain("scope refresh_token");
  });

  it("does not send a refresh token after its own end", async () => {
    const extra = { refresh_token_expires_in: 700 };
    const session = open({ token: accessToken({ ...members(loginToken()), extra }) });
    await session.getToken();
    clock.pass(701_000);
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual([]);
  });

  it.each([
    [{ key: "" }, "key"],
    [{ key: 7 as unknown as string }, "key"],
    [{ store: {} as never }, "store"],
    [{ token: "at" as never }, "token"],
    [{ scope: "a`\\" }, "scope"],
    [{ refreshEarlyMs: -1 }, "refreshEarlyMs"],
  ])("refuses %o at once", (options, named) => {
    expect(() => open(options)).toThrow(TypeError);
    expect(() => open(options)).toThrow(named);
  });
});

const members = ({ value, refreshToken, issuedAt, expiresAt }: AccessToken) => ({
  value,
  issuedAt,
  expiresAt,
  ...(refreshToken !== undefined && { refreshToken }),
});

describe("the login's token and the stored one", () => {
  it("the later one wins: a new login", async () => {
    await open({ token: loginToken() }).getToken();
    clock.pass(1_000);
    const token = loginToken({ value: "at-second", refreshToken: "rt-second" });
    expect((await open({ token }).getToken()).value).toBe("at-second");
    expect(stored().refreshToken).toBe("rt-second");
  });

  it("the later one wins: an old login that is passed again", async () => {
    const login = loginToken();
    const first = open({ token: login });
    clock.pass(599_000);
    await first.getToken();
    expect((await open({ token: login }).getToken()).value).toBe("at-1");
    expect(stored().refreshToken).toBe("rt-1");
  });

  it("hands out a login's token although the store is down, says so, and stores it when it can", async () => {
    store.behave = () => "fails";
    const session = open({ token: loginToken() });
    expect((await inTime(session.getToken())).value).toBe("at-login");
    expect(eventTypes()).toContain("store_failed");
    store.behave = () => "works";
    await clock.advance(10_000);
    expect(stored().refreshToken).toBe("rt-0");
  });
});

describe("answers that fail", () => {
  it.each([
    [{ status: 503 }, "token_unavailable"],
    [{ status: 429 }, "token_unavailable"],
    [{ status: 502 }, "token_unavailable"],
    [{ status: 401, error: "invalid_client" }, "client_refused"],
    ["unsent", "token_network"],
  ] as const)("keeps the refresh token after %o", async (treatment, code) => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.treat = () => treatment;
    expect((await inTime(failure(session.getToken()))).code).toBe(code);
    endpoint.treat = () => "answers";
    await clock.advance(60_000);
    expect((await session.getToken()).value).toBe("at-1");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("serves the token held while it is valid", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    endpoint.treat = () => ({ status: 503 });
    clock.pass(595_000);
    expect((await session.getToken()).value).toBe("at-login");
  });

  it("sends an unanswered refresh token once more, then says that the outcome is unknown and keeps it", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.treat = () => ({ status: 200 });
    endpoint.treat = () => "hangs";
    const error = await inTime(failure(session.getToken()));
    expect(error.code).toBe("refresh_outcome_unknown");
    expect(error.retryable).toBe(true);
    expect(new Set(endpoint.received)).toEqual(new Set(["rt-0"]));
    expect(stored().refreshToken).toBe("rt-0");
  });

  it("names a lost answer as such, in every process and after a crash", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.treat = () => "loses";
    expect((await inTime(failure(session.getToken()))).code).toBe("refresh_outcome_unknown");
    endpoint.treat = () => "answers";
    await clock.advance(60_000);
    expect((await inTime(failure(session.getToken()))).code).toBe("refresh_outcome_unknown");
    expect((await inTime(failure(open().getToken()))).code).toBe("refresh_outcome_unknown");
    expect(eventTypes()).not.toContain("session_ended");
  });

  it("believes invalid_grant, says so once, and sends the refresh token never again, in no process", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.valid = undefined;
    for (let call = 0; call < 8; call += 1) {
      expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    }
    expect((await failure(open({ onEvent: () => {} }).getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual(["rt-0"]);
    expect(eventTypes().filter((type) => type === "session_ended")).toHaveLength(1);
    expect(eventTypes()).not.toContain("gate_closed");
    expect(store.records.get(KEY)?.value).not.toContain('dead":"rt-0');
  });

  it("takes Talkdesk's 401 unauthorized for a dead refresh token", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.treat = () => ({ status: 401, error: "unauthorized" });
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
  });

  it("does not believe an invalid_grant that a server error repeats", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.treat = () => ({ status: 500, error: "invalid_grant" });
    expect((await inTime(failure(session.getToken()))).code).toBe("token_unavailable");
  });

  it("is healed by a new login after the refresh token has died", async () => {
    const session = open({ token: loginToken() });
    clock.pass(599_000);
    endpoint.valid = undefined;
    await failure(session.getToken());
    endpoint.valid = "rt-0";
    const token = loginToken({ value: "at-new", refreshToken: "rt-new" });
    await open({ token }).getToken();
    expect((await session.getToken()).value).toBe("at-new");
  });
});

describe("two processes", () => {
  it("refresh once, and the other adopts the successor", async () => {
    await open({ token: loginToken() }).getToken();
    const processes = [open(), open(), open()];
    await Promise.all(processes.map((session) => session.getToken()));
    clock.pass(599_000);
    const tokens = await inTime(Promise.all(processes.map((session) => session.getToken())));
    expect(tokens.map(({ value }) => value)).toEqual(["at-1", "at-1", "at-1"]);
    expect(endpoint.received).toEqual(["rt-0"]);
    expect(events.filter((event) => event.type === "token_received" && event.shared)).not.toHaveLength(0);
  });

  it("fail with lock_timeout within the time of a call when the lock is never released", async () => {
    await open({ token: loginToken() }).getToken();
    clock.pass(599_000);
    await store.lock(KEY, { ttlMs: 60_000 });
    const before = clock.monotonic();
    expect((await inTime(failure(open().getToken()))).code).toBe("lock_timeout");
    expect(clock.monotonic() - before).toBeLessThanOrEqual(10_400);
    expect(endpoint.received).toEqual([]);
  });

  it("send a refresh token no third time, and serve a login elsewhere at once", async () => {
    const processes = [open({ token: loginToken() }), open()];
    for (const session of processes) await session.getToken();
    clock.pass(599_000);
    endpoint.treat = () => "loses";
    for (let calls = 0; calls < 6; calls += 1) {
      for (const session of processes) {
        expect(await inTime(failure(session.getToken()))).toMatchObject({
          code: "refresh_outcome_unknown",
          error: "invalid_grant",
        });
      }
    }
    expect(endpoint.received).toEqual(["rt-0", "rt-0"]);
    endpoint.treat = () => "answers";
    await processes[0]?.start(loginToken(endpoint.login()));
    expect((await inTime(processes[1]?.getToken() ?? Promise.reject())).value).toBe("at-2");
    clock.pass(599_000);
    expect((await inTime(processes[1]?.getToken() ?? Promise.reject())).value).toBe("at-3");
  });

  it("look at a lock that stays held ever less often", async () => {
    await open({ token: loginToken() }).getToken();
    clock.pass(599_000);
    await store.lock(KEY, { ttlMs: 60_000 });
    store.operations.length = 0;
    await inTime(failure(open().getToken()));
    const looks = store.operations.filter((operation) => operation === "lock").length;
    expect(looks).toBeGreaterThan(40);
    expect(looks).toBeLessThan(90);
  });

  it("costs six calls of the store for a refresh", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    store.operations.length = 0;
    await session.getToken();
    expect(store.operations).toEqual(["read", "lock", "read", "write", "write", "release"]);
    await session.getToken();
    expect(store.operations).toHaveLength(6);
  });

  it("goes on when the lock of a crashed process has run out", async () => {
    await open({ token: loginToken() }).getToken();
    clock.pass(599_000);
    await store.lock(KEY, { ttlMs: 3_000 });
    expect((await inTime(open().getToken())).value).toBe("at-1");
  });

  it("adopts the pair that another process was given, when its own refresh token is refused", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    endpoint.treat = () => {
      const pair = { value: "at-other", refreshToken: "rt-other" };
      const version = store.records.get(KEY)?.version ?? 0;
      store.records.set(KEY, { value: serializeToken(loginToken(pair)), version: version + 100, fence: 99 });
      return { status: 400, error: "invalid_grant" };
    };
    expect((await session.getToken()).value).toBe("at-other");
    expect(stored().refreshToken).toBe("rt-other");
  });

  it("writes the successor without a fence when a later lock has written, but the refresh token is still the old", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    endpoint.treat = () => {
      const record = store.records.get(KEY);
      if (record !== undefined)
        store.records.set(KEY, { ...record, version: record.version + 100, fence: 99 });
      return "answers";
    };
    expect((await session.getToken()).value).toBe("at-1");
    expect(stored().refreshToken).toBe("rt-1");
  });
});

describe("a store that fails", () => {
  it("keeps the pair and the lock, hands out the token in time, and stores it when it can", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let isDown = false;
    endpoint.treat = () => {
      isDown = true;
      return "answers";
    };
    store.behave = (operation) => (isDown && operation !== "release" ? "fails" : "works");
    expect((await inTime(session.getToken())).value).toBe("at-1");
    expect(eventTypes()).toContain("store_failed");
    expect(stored().refreshToken).toBe("rt-0");
    expect(store.isLocked(KEY)).toBe(true);
    isDown = false;
    endpoint.treat = () => "answers";
    await clock.advance(6_000);
    expect(stored().refreshToken).toBe("rt-1");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("does not hand out the token before a slow write has settled, and not after its time is up", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let hangs = false;
    endpoint.treat = () => {
      hangs = true;
      return "answers";
    };
    store.behave = (operation) => (hangs && operation === "write" ? "hangs" : "works");
    let token: AccessToken | undefined;
    const waiting = session.getToken().then((answer) => {
      token = answer;
    });
    await clock.advance(9_000);
    expect(token).toBeUndefined();
    await clock.advance(1_500);
    await waiting;
    expect(token?.value).toBe("at-1");
  });

  it("does not refresh while what it has in memory is not stored", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let isDown = false;
    endpoint.treat = () => {
      isDown = true;
      return "answers";
    };
    store.behave = () => (isDown ? "fails" : "works");
    await inTime(session.getToken());
    clock.pass(599_000);
    expect((await inTime(failure(session.getToken()))).code).toBe("store_unavailable");
    expect(endpoint.received).toEqual(["rt-0"]);
    isDown = false;
    endpoint.treat = () => "answers";
    await clock.advance(60_000);
    expect((await inTime(session.getToken())).value).toBe("at-2");
    expect(endpoint.received).toEqual(["rt-0", "rt-1"]);
  });

  it("recognises its own write although the answer to it was lost", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let isFirst = false;
    endpoint.treat = () => {
      isFirst = true;
      return "answers";
    };
    store.behave = (operation) => {
      if (operation !== "write" || !isFirst) return "works";
      isFirst = false;
      return "works and fails";
    };
    expect((await session.getToken()).value).toBe("at-1");
    await clock.advance(1_000);
    expect(stored().refreshToken).toBe("rt-1");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("refuses to refresh while the store is down, and names no password of it", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    store.behave = () => "fails";
    const error = await inTime(failure(session.getToken()));
    expect(error.code).toBe("store_unavailable");
    expect(JSON.stringify([error, error.cause, error.stack])).not.toContain("store-password");
    expect(endpoint.received).toEqual([]);
  });

  it("reports a record that cannot be read, takes it for absent, and removes it before the next write", async () => {
    store.records.set(KEY, { value: "{not a record", version: 7, fence: 0 });
    const error = await failure(open().getToken());
    expect(error.code).toBe("reauthentication_required");
    expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
      error: { code: "store_corrupt" },
    });
    expect(store.records.get(KEY)?.version).toBe(7);
    expect((await open({ token: loginToken() }).getToken()).value).toBe("at-login");
    expect(stored().refreshToken).toBe("rt-0");
  });

  it("gives up on a store that refuses every write", async () => {
    await open({ token: loginToken() }).getToken();
    clock.pass(599_000);
    store.write = async () => undefined;
    expect((await failure(open().getToken())).code).toBe("store_unavailable");
    expect(endpoint.received).toEqual([]);
  });
});

describe("the end", () => {
  it("leaves nothing in the store, and no caller gets a token", async () => {
    const session = open({ token: loginToken() });
    const other = open();
    await session.getToken();
    await other.getToken();
    await session.end();
    expect(store.records.size).toBe(0);
    expect((await failure(session.getToken())).code).toBe("source_closed");
    clock.pass(599_000);
    expect((await failure(other.getToken())).code).toBe("reauthentication_required");
    expect(events.at(-1)).toMatchObject({ type: "token_failed" });
    expect(eventTypes()).toContain("session_ended");
  });

  it("wins over a refresh that is under way, here and elsewhere", async () => {
    for (const ender of ["itself", "another"] as const) {
      const session = open({ token: loginToken(), key: ender });
      const another = open({ key: ender });
      await session.getToken();
      await another.getToken();
      clock.pass(599_000);
      endpoint.valid = "rt-0";
      let end: Promise<void> | undefined;
      endpoint.treat = () => {
        end = (ender === "itself" ? session : another).end();
        return "answers";
      };
      const error = await failure(session.getToken());
      await end;
      await settled();
      expect(error.code).toBe(ender === "itself" ? "source_closed" : "reauthentication_required");
      expect(store.records.has(ender)).toBe(false);
    }
  });

  it("wins over a write that hung until then", async () => {
    let finish: (() => void) | undefined;
    const { write } = store;
    store.write = (key, value, options) =>
      new Promise((resolve) => {
        finish = () => resolve(write.call(store, key, value, options));
      });
    const session = open({ token: loginToken() });
    const waiting = failure(session.getToken());
    await settled();
    const end = inTime(session.end());
    expect((await waiting).code).toBe("source_closed");
    await end;
    finish?.();
    await settled();
    expect(store.records.size).toBe(0);
  });

  it("can be repeated after the store was down, and is idempotent", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    store.behave = () => "fails";
    expect((await inTime(failure(session.end()))).code).toBe("store_unavailable");
    expect((await failure(session.getToken())).code).toBe("source_closed");
    store.behave = () => "works";
    await session.end();
    expect(store.records.size).toBe(0);
    await open({ token: loginToken({ value: "at-again" }) }).getToken();
    await session.end();
    expect(store.records.size).toBe(1);
  });

  it("close leaves the session in the store, and waits for a refresh that was sent", async () => {
    const session = open({ token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let answer: (() => void) | undefined;
    endpoint.treat = () =>
      new Promise((resolve) => {
        answer = () => resolve("answers");
      });
    const waiting = failure(session.getToken());
    await settled();
    const closed = session.close();
    expect((await waiting).code).toBe("source_closed");
    answer?.();
    await closed;
    expect(stored().refreshToken).toBe(endpoint.valid);
    expect((await open().getToken()).value).toBe("at-1");
  });
});
