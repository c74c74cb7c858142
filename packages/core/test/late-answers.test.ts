import {
  type AccessToken,
  deserializeToken,
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
  type Treatment,
} from "./support/session-fixture.js";

const KEY = "session-1";
const TIMEOUT_MS = 10_000;

/** How long a lock lives beyond the time of a call. */
const RESERVE_MS = 5_000;

let clock: VirtualClock;
let store: TestStore;
let endpoint: RotatingEndpoint;
let events: TokenEvent[];
let signals: (AbortSignal | null | undefined)[];

beforeEach(() => {
  clock = new VirtualClock();
  store = new TestStore(clock);
  endpoint = new RotatingEndpoint();
  events = [];
  signals = [];
});

/** One process. */
function open(options: Partial<UserSessionOptions> = {}): UserSession {
  const fetch: typeof globalThis.fetch = (url, init) => {
    signals.push(init?.signal);
    return endpoint.fetch(url, init);
  };
  return userSession(sessionClient({ fetch }, clock), {
    store,
    key: KEY,
    onEvent: (event) => events.push(event),
    ...options,
  });
}

const stored = (): AccessToken => deserializeToken(store.records.get(KEY)?.value ?? "");
const eventTypes = (): string[] => events.map(({ type }) => type);
const code = (call: Promise<unknown>): Promise<string> => failure(call).then((error) => error.code);

/** The next answer arrives when the test says so; later ones are not late. */
function delayNextAnswer(then: Treatment = "answers"): { deliver(): Promise<void> } {
  const delivered = withResolvers();
  endpoint.treat = () => {
    endpoint.treat = () => "answers";
    return then === "answers" ? { answersAfter: delivered.promise } : delivered.promise.then(() => then);
  };
  return {
    async deliver() {
      delivered.resolve();
      await settled();
    },
  };
}

/** A session whose token has ended, and whose refresh was not answered within the time of its call. */
async function overdue(
  options: Partial<UserSessionOptions> = {},
  then?: Treatment,
): Promise<{ readonly session: UserSession; deliver(): Promise<void> }> {
  const session = open({ token: loginTokenAt(clock), ...options });
  await session.getToken();
  clock.pass(599_000);
  const { deliver } = delayNextAnswer(then);
  const waiting = failure(session.getToken());
  await clock.advance(TIMEOUT_MS);
  expect(await waiting).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
  return { session, deliver };
}

describe("the answer to a refresh that comes after the time of its call", () => {
  it("is awaited although no caller waits, and its successor is stored under the lock", async () => {
    const { session, deliver } = await overdue();
    expect(stored().refreshToken).toBe("rt-0");
    expect(store.isLocked(KEY)).toBe(true);
    await clock.advance(3_000);
    await deliver();
    expect(stored()).toMatchObject({ value: "at-1", refreshToken: "rt-1" });
    expect(store.records.get(KEY)?.fence).toBe(1);
    expect(store.isLocked(KEY)).toBe(false);
    expect((await session.getToken()).value).toBe("at-1");
    expect(endpoint.received).toEqual(["rt-0"]);
    expect(eventTypes()).not.toContain("store_failed");
    expect(clock.timers).toBe(0);
  });

  it("is in time until the lease of the lock ends", async () => {
    const { deliver } = await overdue();
    await clock.advance(RESERVE_MS - 1);
    await deliver();
    expect(stored().refreshToken).toBe("rt-1");
  });

  it("is in time also when it takes a while to store one of the last moment", async () => {
    const { deliver } = await overdue();
    store.behave = (operation) => (operation === "extend" || operation === "write" ? "fails" : "works");
    await clock.advance(RESERVE_MS - 1);
    await deliver();
    await clock.advance(100);
    expect(store.isLocked(KEY)).toBe(true);
    store.behave = () => "works";
    await clock.advance(1_000);
    expect(stored().refreshToken).toBe("rt-1");
  });

  it("is taken by callers who wait meanwhile, here and in another process", async () => {
    const { session, deliver } = await overdue();
    const waiting = [session.getToken(), session.getToken(), open().getToken()];
    await clock.advance(2_000);
    await deliver();
    await clock.advance(1_000);
    expect((await Promise.all(waiting)).map(({ value }) => value)).toEqual(["at-1", "at-1", "at-1"]);
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("is awaited no longer than the lease, and then the refresh token is sent once more", async () => {
    const { session } = await overdue();
    const waiting = code(session.getToken());
    await clock.advance(RESERVE_MS - 1);
    expect(signals[0]?.aborted).toBe(false);
    expect(endpoint.received).toEqual(["rt-0"]);
    await clock.advance(RESERVE_MS);
    expect(signals[0]?.aborted).toBe(true);
    expect(await waiting).toBe("refresh_outcome_unknown");
    expect(endpoint.received).toEqual(["rt-0", "rt-0"]);
    expect(clock.timers).toBe(0);
  });

  it("renews the token in the background while the one that is held is served", async () => {
    const session = open({ token: loginTokenAt(clock) });
    await session.getToken();
    clock.pass(560_000);
    const { deliver } = delayNextAnswer();
    expect((await session.getToken()).value).toBe("at-login");
    await clock.advance(TIMEOUT_MS + 1_000);
    await deliver();
    expect(stored().refreshToken).toBe("rt-1");
    await session.getToken();
    await clock.advance(5_000);
    expect((await session.getToken()).value).toBe("at-1");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("is found by the next call of a session without a store", async () => {
    const { session, deliver } = await overdue({ store: undefined });
    await deliver();
    expect((await session.getToken()).value).toBe("at-1");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("is kept in memory, with its lock, while the store fails", async () => {
    const { session, deliver } = await overdue();
    store.behave = (operation) => (operation === "write" ? "fails" : "works");
    await clock.advance(RESERVE_MS - 1);
    await deliver();
    expect(eventTypes()).toContain("store_failed");
    await clock.advance(20_000);
    expect(store.isLocked(KEY)).toBe(true);
    expect(stored().refreshToken).toBe("rt-0");
    store.behave = () => "works";
    await clock.advance(6_000);
    expect(stored().refreshToken).toBe("rt-1");
    expect(store.isLocked(KEY)).toBe(false);
    expect((await session.getToken()).value).toBe("at-1");
  });
});

describe("a refusal that comes after the time of its call", () => {
  it("ends the session, which is reported once, and the refresh token is not sent again", async () => {
    const { session, deliver } = await overdue({}, { status: 400, error: "invalid_grant" });
    await deliver();
    expect(store.isLocked(KEY)).toBe(false);
    expect(await code(session.getToken())).toBe("reauthentication_required");
    expect(await code(open().getToken())).toBe("reauthentication_required");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("leaves the outcome unknown when the answer to an earlier request was lost", async () => {
    const session = open({ token: loginTokenAt(clock) });
    await session.getToken();
    clock.pass(599_000);
    const late = withResolvers();
    endpoint.treat = (count) =>
      count === 1 ? "loses" : late.promise.then(() => ({ status: 400, error: "invalid_grant" }));
    const waiting = code(session.getToken());
    await clock.advance(TIMEOUT_MS);
    expect(await waiting).toBe("refresh_outcome_unknown");
    late.resolve();
    await settled();
    expect(await code(session.getToken())).toBe("refresh_outcome_unknown");
    expect(endpoint.received).toEqual(["rt-0", "rt-0"]);
    expect(eventTypes()).not.toContain("session_ended");
  });

  it("leaves no mark when it proves that nothing was exchanged", async () => {
    const { session, deliver } = await overdue({}, { status: 503 });
    await deliver();
    endpoint.valid = undefined;
    expect(await code(session.getToken())).toBe("reauthentication_required");
  });
});

describe("while an answer is late", () => {
  it("a logout wins over it", async () => {
    const { session, deliver } = await overdue();
    await session.end();
    expect(store.records.size).toBe(0);
    expect(store.isLocked(KEY)).toBe(false);
    await deliver();
    expect(store.records.size).toBe(0);
    await clock.advance(60_000);
    expect(store.records.size).toBe(0);
    expect(clock.timers).toBe(0);
  });

  it("a logout that came before its time was up wins over it", async () => {
    const session = open({ token: loginTokenAt(clock) });
    await session.getToken();
    clock.pass(599_000);
    const { deliver } = delayNextAnswer();
    const waiting = code(session.getToken());
    await clock.advance(TIMEOUT_MS / 2);
    const end = session.end();
    await clock.advance(TIMEOUT_MS / 2);
    await end;
    expect(await waiting).toBe("source_closed");
    await deliver();
    await clock.advance(60_000);
    expect(store.records.size).toBe(0);
    expect(store.isLocked(KEY)).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it("a logout in another process wins over it", async () => {
    const { session, deliver } = await overdue();
    await open().end();
    await deliver();
    expect(store.records.size).toBe(0);
    expect(await code(session.getToken())).toBe("reauthentication_required");
  });

  it("a new login wins over it, here and in another process", async () => {
    for (const isHere of [true, false]) {
      const { session, deliver } = await overdue();
      const token = loginTokenAt(clock, { value: "at-new", refreshToken: "rt-new" });
      await (isHere ? session : open()).start(token);
      await deliver();
      expect(stored().refreshToken).toBe("rt-new");
      expect((await session.getToken()).value).toBe("at-new");
      store.records.clear();
      store.locks.clear();
      endpoint = new RotatingEndpoint();
    }
  });

  it("close waits for it, and it is stored", async () => {
    const { session, deliver } = await overdue();
    let isClosed = false;
    const closing = session.close().then(() => {
      isClosed = true;
    });
    await clock.advance(RESERVE_MS - 1);
    expect(isClosed).toBe(false);
    await deliver();
    await closing;
    expect(stored().refreshToken).toBe("rt-1");
    expect(store.isLocked(KEY)).toBe(false);
    expect(clock.timers).toBe(0);
  });

  it("close waits no longer than the lease", async () => {
    const { session } = await overdue();
    const closing = session.close();
    await clock.advance(RESERVE_MS);
    await closing;
    expect(store.isLocked(KEY)).toBe(false);
    expect(clock.timers).toBe(0);
  });
});

function withResolvers(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
