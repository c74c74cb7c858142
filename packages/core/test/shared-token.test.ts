import {
  accessToken,
  type ClientCredentialsOptions,
  type ClosableTokenSource,
  clientCredentials,
  deserializeToken,
  memoryStore,
  serializeToken,
  type TokenEvent,
} from "@talkdesk-oauth/core";
import { beforeEach, describe, expect, it } from "vitest";
import { type Call, granting, scriptedEndpoint, settled, VirtualClock } from "./support/lifecycle-fixture.js";
import { failure, sessionClient, TestStore } from "./support/session-fixture.js";

const KEY = "acme";

let clock: VirtualClock;
let store: TestStore;
let events: TokenEvent[];
let endpoint: ReturnType<typeof scriptedEndpoint>;
let answer: (call: Call) => void;

beforeEach(() => {
  clock = new VirtualClock();
  store = new TestStore(clock);
  events = [];
  answer = granting();
  endpoint = scriptedEndpoint((call) => answer(call));
});

/** One process. */
const open = (options: ClientCredentialsOptions = {}): ClosableTokenSource =>
  clientCredentials(sessionClient(endpoint, clock), {
    store,
    key: KEY,
    onEvent: (event) => events.push(event),
    ...options,
  });

async function inTime<T>(work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => {
    isSettled = true;
  };
  work.then(settle, settle);
  for (let steps = 0; !isSettled && steps < 2_000; steps += 1) await clock.advance(20);
  return work;
}

const put = (members: {
  issuedAt: number;
  lifetimeMs?: number;
  value?: string;
}): Promise<number | undefined> => {
  const { issuedAt, lifetimeMs = 599_000, value = "from-another" } = members;
  const token = accessToken({ value, issuedAt, expiresAt: issuedAt + lifetimeMs });
  return store.write(KEY, serializeToken(token), { expectedVersion: 0 });
};

describe("processes that share a token", () => {
  it("ask once, a hundred that start together", async () => {
    const tokens = await inTime(Promise.all(Array.from({ length: 100 }, () => open().getToken())));
    expect(new Set(tokens.map(({ value }) => value))).toEqual(new Set(["token-1"]));
    expect(endpoint.calls).toHaveLength(1);
  });

  it("ask once on a memory store with real time", async () => {
    const shared = memoryStore();
    const { now, setTimeout } = { now: Date.now, setTimeout: globalThis.setTimeout };
    const real = { now, monotonic: () => performance.now(), setTimeout };
    const client = sessionClient(endpoint, clock, { clock: real });
    const sources = [1, 2].map(() => clientCredentials(client, { store: shared, key: KEY }));
    for (const source of sources) expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
  });

  it("call the store five times for a new token, once for one that is there, and not for one held", async () => {
    const source = open();
    await source.getToken();
    expect(store.operations).toEqual(["read", "lock", "read", "write", "release"]);
    await source.getToken();
    expect(store.operations).toHaveLength(5);
    await open().getToken();
    expect(store.operations.slice(5)).toEqual(["read"]);
  });

  it("say that nothing was sent for a token that was found", async () => {
    await put({ issuedAt: clock.now() });
    expect((await open().getToken()).value).toBe("from-another");
    expect(events.find(({ type }) => type === "token_received")).toMatchObject({ shared: true });
    expect(endpoint.calls).toHaveLength(0);
  });

  it("keep a token no longer than its lifetime, whichever process requested it", async () => {
    await put({ issuedAt: clock.now() - 500_000 });
    const source = open();
    expect((await source.getToken()).value).toBe("from-another");
    clock.pass(99_000);
    expect((await source.getToken()).value).toBe("token-1");
  });

  it("do not take a token that is about to end", async () => {
    await put({ issuedAt: clock.now() - 596_000 });
    expect((await open().getToken()).value).toBe("token-1");
  });

  it.each([-300_000, 300_000])("stand a clock elsewhere that is %i ms off", async (offMs) => {
    await put({ issuedAt: clock.now() + offMs });
    const source = open();
    expect((await source.getToken()).value).toBe("from-another");
    clock.pass(600_000);
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
  });

  it("share a token although the record that it replaces has expired meanwhile", async () => {
    await inTime(open().getToken());
    clock.pass(598_000);
    answer = (call) => void clock.setTimeout(() => call.grant(), 2_000);
    expect((await inTime(open().getToken())).value).toBe("token-2");
    expect((await inTime(open().getToken())).value).toBe("token-2");
  });

  it("replace a token that the API refuses, once, and adopt the replacement", async () => {
    const [first, second] = [open(), open()];
    const rejected = await first.getToken();
    await second.getToken();
    expect((await first.getToken({ rejected })).value).toBe("token-2");
    expect((await second.getToken({ rejected })).value).toBe("token-2");
    expect(endpoint.calls).toHaveLength(2);
  });

  it("do not share a token of other scopes, and replace it", async () => {
    expect((await open({ scope: "a" }).getToken()).value).toBe("token-1");
    expect((await open({ scope: "a b" }).getToken()).value).toBe("token-2");
    expect((await open({ scope: ["b", "a"] }).getToken()).value).toBe("token-2");
    expect((await open().getToken()).value).toBe("token-3");
  });

  it("do not store a token without a lifetime", async () => {
    answer = granting({ expires_in: 0 });
    await open().getToken();
    expect(store.records.size).toBe(0);
  });

  it("leave the token to the others when one closes", async () => {
    const source = open();
    await source.getToken();
    await source.close();
    expect((await open().getToken()).value).toBe("token-1");
  });
});

describe("a store that fails", () => {
  it.each(["fails", "hangs"] as const)(
    "that %s is reported, and the source goes on alone",
    async (behaviour) => {
      store.behave = () => behaviour;
      expect((await inTime(open().getToken())).value).toBe("token-1");
      expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
        error: { code: "store_unavailable" },
      });
      expect(clock.monotonic()).toBeLessThan(5_000 + 3_000);
    },
  );

  it.each(["lock", "write", "release"] as const)("at %s costs nobody a token", async (operation) => {
    store.behave = (name) => (name === operation ? "fails" : "works");
    expect((await inTime(open().getToken())).value).toBe("token-1");
  });

  it("serves the token held, and shares again when it is back", async () => {
    const source = open();
    await source.getToken();
    store.behave = () => "fails";
    clock.pass(595_000);
    expect((await inTime(source.getToken())).value).toBe("token-2");
    store.behave = () => "works";
    clock.pass(599_000);
    const token = await inTime(source.getToken());
    expect(deserializeToken(store.records.get(KEY)?.value ?? "").value).toBe(token.value);
  });

  it("with a record that cannot be read is reported, and the record replaced", async () => {
    store.records.set(KEY, { value: "garbage", version: 3, fence: 0 });
    expect((await open().getToken()).value).toBe("token-1");
    expect(events.find(({ type }) => type === "store_failed")).toMatchObject({
      error: { code: "store_corrupt" },
    });
    expect((await open().getToken()).value).toBe("token-1");
  });

  it("with a lock that is never released delays a call for half its time, then the process asks alone", async () => {
    await store.lock(KEY, { ttlMs: 60_000 });
    const before = clock.monotonic();
    expect((await inTime(open().getToken())).value).toBe("token-1");
    expect(clock.monotonic() - before).toBeLessThan(5_200);
  });

  it("releases a lock that arrives too late", async () => {
    const locks: (() => void)[] = [];
    const { lock } = store;
    store.lock = (key, options) =>
      new Promise((resolve) => locks.push(() => resolve(lock.call(store, key, options))));
    expect((await inTime(open().getToken())).value).toBe("token-1");
    for (const take of locks) take();
    await settled();
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("delays no call beyond its time when it hangs at the end of it", async () => {
    store.behave = (operation) => (operation === "release" || operation === "write" ? "hangs" : "works");
    answer = (call) => void clock.setTimeout(() => call.grant(), 9_900);
    const before = clock.monotonic();
    let waitedMs = 0;
    const token = open()
      .getToken()
      .finally(() => {
        waitedMs = clock.monotonic() - before;
      });
    expect((await inTime(token)).value).toBe("token-1");
    expect(waitedMs).toBeLessThanOrEqual(10_000);
  });

  it("does not hide why a token could not be had, and releases the lock", async () => {
    answer = (call) => call.refuse(401, { error: "invalid_client" });
    expect((await failure(open().getToken())).code).toBe("client_refused");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("is not waited for after the source has closed", async () => {
    store.behave = () => "hangs";
    const source = open();
    const waiting = failure(source.getToken());
    await settled();
    await source.close();
    expect((await waiting).code).toBe("source_closed");
    await settled();
    expect(clock.timers).toBe(0);
  });
});

it.each([
  [{ store: undefined, key: "k" }, "store"],
  [{ key: undefined }, "key"],
  [{ key: "" }, "key"],
  [{ store: { read() {} } as never }, "store"],
])("refuses %o at once", (options, named) => {
  expect(() => open(options as never)).toThrow(TypeError);
  expect(() => open(options as never)).toThrow(named);
});
