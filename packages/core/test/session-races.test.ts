import {
  type AccessToken,
  accessToken,
  clientCredentials,
  deserializeToken,
  type StoreLock,
  type TokenEvent,
  type TokenStore,
  type UserSession,
  type UserSessionOptions,
  userSession,
} from "@talkdesk-oauth/core";
import { beforeEach, describe, expect, it } from "vitest";
import { settled, VirtualClock } from "./support/lifecycle-fixture.js";
import {
  failure,
  loginTokenAt,
  type Operation,
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
const open = (options: Partial<UserSessionOptions> = {}, own: Partial<VirtualClock> = clock): UserSession =>
  userSession(sessionClient(endpoint, own as VirtualClock), {
    store,
    key: KEY,
    onEvent: (event) => events.push(event),
    ...options,
  });

/** A session that has stored its login, whose token has ended since. */
async function openedLongAgo(options: Partial<UserSessionOptions> = {}): Promise<UserSession> {
  const session = open({ token: loginToken(), ...options });
  await session.getToken();
  clock.pass(599_000);
  return session;
}

const stored = (): AccessToken => deserializeToken(store.records.get(KEY)?.value ?? "");
const ends = (): number => events.filter(({ type }) => type === "session_ended").length;

const ownClock = (): Partial<VirtualClock> => ({
  now: () => clock.now(),
  monotonic: () => clock.monotonic(),
  setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
  clearTimeout: (timer) => clock.clearTimeout(timer),
});

/** From the next answer of the token endpoint on, the store does not do these. */
function loseStoreAfterExchange(...lost: readonly Operation[]): { isDown: boolean } {
  const state = { isDown: false };
  endpoint.treat = () => {
    state.isDown = true;
    return "answers";
  };
  store.behave = (operation) => (state.isDown && lost.includes(operation) ? "fails" : "works");
  return state;
}

describe("a store that does not answer as one", () => {
  /** Wrong values that a store may return in place of a lock. */
  const noLocks = [null, true, 7, {}, { fence: 1 }, { fence: "1", release: async () => {} }];

  it.each(noLocks)("with %j as a lock is an error before a refresh token is sent", async (lock) => {
    const session = await openedLongAgo();
    store.lock = async () => lock as never as StoreLock;
    const error = await failure(session.getToken());
    expect(error).toMatchObject({ code: "store_unavailable", message: expect.stringContaining("lock") });
    expect(endpoint.received).toEqual([]);
    expect(stored().refreshToken).toBe("rt-0");
  });

  it.each(noLocks)("with %j as a lock costs a program no token", async (lock) => {
    store.lock = async () => lock as never as StoreLock;
    const source = clientCredentials(sessionClient(endpoint, clock), { store, key: "c" });
    endpoint.valid = "";
    expect((await source.getToken()).value).toBe("at-1");
  });

  it.each([null, true, "text", 7])(
    "with %j as a record is reported, and it counts as absent",
    async (record) => {
      const { read } = store;
      store.read = async () => record as never;
      expect((await failure(open().getToken())).code).toBe("reauthentication_required");
      expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
        error: { code: "store_corrupt" },
      });
      store.read = read;
    },
  );

  it.each([undefined, true])("with %j as the answer to each write loses no session", async (answer) => {
    const { write } = store;
    store.write = async (...written) => {
      await write.apply(store, written);
      return answer as never;
    };
    const session = await openedLongAgo();
    expect((await session.getToken()).value).toBe("at-1");
    expect(stored().refreshToken).toBe("rt-1");
    endpoint.valid = undefined;
    clock.pass(599_000);
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
  });

  it.each([undefined, true])("with %j as the answer to a write that comes after the end", async (answer) => {
    let finish: (() => void) | undefined;
    const { write } = store;
    store.write = (...written) =>
      new Promise((resolve) => {
        finish = () => void write.apply(store, written).then(() => resolve(answer as never));
      });
    const session = open({ token: loginToken() });
    const waiting = failure(session.getToken());
    await settled();
    const end = session.end();
    await clock.advance(2_000);
    await Promise.all([end, waiting]);
    finish?.();
    await settled();
    expect(store.records.size).toBe(0);
  });

  it("with nothing as the answer to a release does not stop a new login", async () => {
    const { lock } = store;
    store.lock = async (...asked) => {
      const taken = await lock.apply(store, asked);
      return taken && { ...taken, release: (() => void taken.release()) as never };
    };
    const session = await openedLongAgo();
    const state = loseStoreAfterExchange("write");
    await session.getToken();
    state.isDown = false;
    await session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
    expect(stored().refreshToken).toBe("rt-new");
  });
});

describe("two logins, one right after the other", () => {
  it("leave the later one in the store, also when the store deals with the earlier one later", async () => {
    const session = await openedLongAgo();
    const writes: (() => void)[] = [];
    const { write } = store;
    store.write = (...written) =>
      new Promise((resolve) => writes.push(() => resolve(write.apply(store, written))));
    const first = session.start(loginToken({ value: "at-a", refreshToken: "rt-a" }));
    await settled();
    const second = session.start(loginToken({ value: "at-b", refreshToken: "rt-b" }));
    await settled();
    expect(writes).toHaveLength(2);
    writes[1]?.();
    await settled();
    writes[0]?.();
    await settled();
    writes[2]?.();
    await Promise.all([first, second]);
    await settled();
    expect((await session.getToken()).value).toBe("at-b");
    expect(stored().refreshToken).toBe("rt-b");
  });

  it("stores the login although the renewal that it has overtaken could not be stored either", async () => {
    const session = await openedLongAgo();
    const answers: (() => void)[] = [];
    let isDown = false;
    store.behave = (operation) => (isDown && operation === "write" ? "fails" : "works");
    endpoint.treat = () => new Promise((resolve) => answers.push(() => resolve("answers")));
    const waiting = session.getToken();
    await settled();
    isDown = true;
    await session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
    answers[0]?.();
    expect((await waiting).value).toBe("at-new");
    await settled();
    isDown = false;
    const closed = session.close();
    await clock.advance(10_000);
    await closed;
    expect(stored().refreshToken).toBe("rt-new");
  });
});

describe("a login that could not be stored at once", () => {
  async function startedWhileDown(): Promise<UserSession> {
    const session = open();
    store.behave = (operation) => (operation === "write" ? "fails" : "works");
    await session.start(loginToken({ value: "at-a", refreshToken: "rt-a" }));
    store.behave = () => "works";
    return session;
  }

  it("does not replace a later one, of another process", async () => {
    const session = await startedWhileDown();
    clock.pass(100);
    const later = open();
    await later.start(loginToken({ value: "at-b", refreshToken: "rt-b" }));
    await clock.advance(10_000);
    expect(stored().refreshToken).toBe("rt-b");
    clock.pass(600_000);
    endpoint.valid = "rt-b";
    expect((await session.getToken()).value).toBe("at-1");
    expect(endpoint.received).toEqual(["rt-b"]);
  });

  it("does not replace one that came while its process was stopped before the first write", async () => {
    const { write } = store;
    store.write = async (...written) => {
      store.write = write;
      clock.pass(100);
      await open().start(loginToken({ value: "at-b", refreshToken: "rt-b" }));
      return write.apply(store, written);
    };
    await open().start(loginToken({ value: "at-a", refreshToken: "rt-a" }));
    expect(stored().refreshToken).toBe("rt-b");
  });

  it("replaces an earlier session that was renewed meanwhile", async () => {
    const earlier = await openedLongAgo();
    await startedWhileDown();
    clock.pass(100);
    expect((await earlier.getToken()).value).toBe("at-1");
    await clock.advance(10_000);
    expect(stored().refreshToken).toBe("rt-a");
  });
});

describe("a login whose write was not answered", () => {
  /** Logs in while the store takes the write and never answers it, and waits until the caller has its token. */
  async function logInUnanswered(session: UserSession, token: AccessToken): Promise<void> {
    store.behave = (operation) => (operation === "write" ? "works and hangs" : "works");
    const starting = session.start(token);
    await clock.advance(10_000);
    await starting;
    store.behave = () => "works";
  }

  it("is not stored again over what another process has refreshed it to", async () => {
    await logInUnanswered(open(), loginToken());
    // Its clock is behind, so the successor looks older than the login.
    const behind = { ...ownClock(), now: () => clock.now() - 3_600_000 };
    const other = open({}, behind);
    const rejected = await other.getToken();
    expect((await other.getToken({ rejected })).value).toBe("at-1");
    await clock.advance(20_000);
    expect(stored()).toMatchObject({ value: "at-1", refreshToken: "rt-1" });
    clock.pass(599_000);
    expect((await open().getToken()).value).toBe("at-2");
  });
});

it("sends no refresh token when too little time is left for its answer", async () => {
  await openedLongAgo();
  const { read } = store;
  const slowly = new Promise<void>((resolve) => clock.setTimeout(resolve, 9_500));
  store.read = async (key) => {
    await slowly;
    return read.call(store, key);
  };
  const late = failure(open().getToken());
  await clock.advance(9_500);
  expect(await late).toMatchObject({ code: "token_network", retryable: true });
  expect(endpoint.received).toEqual([]);
  expect((await open().getToken()).value).toBe("at-1");
});

it("marks no attempt when its lock has run out meanwhile", async () => {
  await openedLongAgo();
  const session = open();
  const { read } = store;
  let reads = 0;
  store.read = async (key) => {
    reads += 1;
    // The process is stopped once it has the lock.
    if (reads === 2) clock.pass(20_000);
    return read.call(store, key);
  };
  endpoint.treat = () => {
    throw Object.assign(new TypeError("fetch failed"), { code: "ECONNREFUSED" });
  };
  const writes = store.operations.filter((operation) => operation === "write").length;
  const failed = failure(session.getToken());
  await settled(10);
  expect(store.operations.filter((operation) => operation === "write")).toHaveLength(writes);
  await clock.advance(30_000);
  await failed;
});

it("lets callers wait no longer than the time of a call when a login comes in between", async () => {
  const session = await openedLongAgo();
  store.behave = () => "hangs";
  const before = clock.monotonic();
  let waitedMs = 0;
  const waiting = session.getToken().finally(() => {
    waitedMs = clock.monotonic() - before;
  });
  await clock.advance(9_000);
  const starting = session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
  await clock.advance(10_000);
  expect((await waiting).value).toBe("at-new");
  expect(waitedMs).toBeLessThanOrEqual(10_000);
  await starting;
});

it("has a login stored by close that the store did not take, also one whose token has ended", async () => {
  const session = open({ token: loginToken({ expiresAt: clock.now() + 10 }) });
  clock.pass(1_000);
  store.behave = (operation) => (operation === "write" ? "fails" : "works");
  expect((await failure(session.getToken())).code).toBe("store_unavailable");
  store.behave = () => "works";
  await session.close();
  expect(stored().refreshToken).toBe("rt-0");
});

describe("a successor that is not stored yet", () => {
  it("is over when its session was ended elsewhere meanwhile, and the first call says so", async () => {
    const session = await openedLongAgo();
    const state = loseStoreAfterExchange("write");
    expect((await session.getToken()).value).toBe("at-1");
    await open().end();
    events.length = 0;
    state.isDown = false;
    clock.pass(599_000);
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    expect(ends()).toBe(1);
    expect(store.records.size).toBe(0);
  });

  it("is stored although the store does not answer when asked to keep its lock", async () => {
    const session = await openedLongAgo();
    const state = loseStoreAfterExchange("write");
    await session.getToken();
    state.isDown = false;
    store.behave = (operation) => (operation === "extend" ? "hangs" : "works");
    await clock.advance(1_000);
    expect(stored().refreshToken).toBe("rt-1");
    await clock.advance(20_000);
    expect(store.isLocked(KEY)).toBe(false);
  });
});

it("says that a session is over when it was ended elsewhere while its refresh was under way", async () => {
  const session = await openedLongAgo();
  endpoint.treat = () => {
    store.records.delete(KEY);
    return "answers";
  };
  expect((await failure(session.getToken())).code).toBe("reauthentication_required");
  expect(ends()).toBe(1);
});

it("leaves the mark of an attempt alone when it was stopped before sending, and another process sends", async () => {
  await openedLongAgo();
  // Stopped just after it has marked its attempt, until its lock is over.
  let goOn: (() => void) | undefined;
  let writes = 0;
  const slow: TokenStore = {
    read: (key) => store.read(key),
    delete: (key) => store.delete(key),
    lock: (key, options) => store.lock(key, options),
    async write(key, value, options) {
      const version = await store.write(key, value, options);
      writes += 1;
      if (writes === 1) await new Promise<void>((resolve) => (goOn = resolve));
      return version;
    },
  };
  const stopped = open({ store: slow })
    .getToken()
    .catch(() => {});
  await settled();
  clock.pass(20_000);
  let lose: (() => void) | undefined;
  endpoint.treat = () => new Promise((resolve) => (lose = () => resolve("loses")));
  // Its answers are lost, and it crashes: nothing of it is heard again.
  let isCrashed = false;
  const dying: TokenStore = {
    read: (key) => (isCrashed ? new Promise(() => {}) : store.read(key)),
    delete: (key) => store.delete(key),
    lock: (key, options) => store.lock(key, options),
    write: (key, value, options) => (isCrashed ? new Promise(() => {}) : store.write(key, value, options)),
  };
  void open({ store: dying })
    .getToken()
    .catch(() => {});
  await settled();
  expect(endpoint.received).toEqual([]);
  goOn?.();
  await settled();
  isCrashed = true;
  lose?.();
  await settled();
  expect(endpoint.received).toEqual(["rt-0"]);
  endpoint.treat = () => "answers";
  await clock.advance(40_000);
  await stopped;
  const late = failure(open().getToken());
  await clock.advance(20_000);
  expect((await late).code).toBe("refresh_outcome_unknown");
});

describe("a stored token that ends sooner than its caller needs it", () => {
  const shortToken = (members: Partial<Parameters<typeof accessToken>[0]> = {}): AccessToken =>
    loginToken({ issuedAt: clock.now() - 569_000, expiresAt: clock.now() + 30_000, ...members });
  const request = { minimumLifetimeMs: 60_000 };

  it("is handed out all the same by a process that starts, when the renewal fails", async () => {
    await open({ token: shortToken() }).getToken();
    endpoint.treat = () => ({ status: 503 });
    expect((await open().getToken(request)).value).toBe("at-login");
    store.behave = (operation) => (operation === "lock" ? "fails" : "works");
    expect((await open().getToken(request)).value).toBe("at-login");
  });

  it("is handed out when there is no refresh token, or no store to keep a login in", async () => {
    const token = accessToken({
      value: "at-alone",
      issuedAt: clock.now() - 569_000,
      expiresAt: clock.now() + 30_000,
    });
    expect((await open({ token }).getToken(request)).value).toBe("at-alone");
    store.records.clear();
    store.behave = () => "fails";
    const session = open({ token: shortToken({ value: "at-later" }) });
    expect((await session.getToken(request)).value).toBe("at-later");
    await session.end().catch(() => {});
  });

  it("is not handed out when its session was ended meanwhile", async () => {
    await open({ token: shortToken() }).getToken();
    endpoint.treat = () => {
      store.records.delete(KEY);
      return "answers";
    };
    expect((await failure(open().getToken(request))).code).toBe("reauthentication_required");
  });

  it("is handed out to a program too", async () => {
    const client = sessionClient(endpoint, clock);
    endpoint.valid = "";
    endpoint.members = () => ({ expires_in: 599 });
    await clientCredentials(client, { store, key: "c" }).getToken();
    clock.pass(569_000);
    endpoint.treat = () => ({ status: 400, error: "invalid_scope" });
    expect((await clientCredentials(client, { store, key: "c" }).getToken(request)).value).toBe("at-1");
  });
});
