import { getEventListeners } from "node:events";
import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  deserializeToken,
  isTalkdeskError,
  serializeToken,
  type TokenEvent,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  type Call,
  granting,
  refusing,
  scriptedEndpoint,
  settled,
  stage,
  VirtualClock,
} from "./support/lifecycle-fixture.js";
import { rejection } from "./support/token-endpoint.js";

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const YEAR = 31_556_952 * SECOND;

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const values = async (tokens: readonly Promise<AccessToken>[]): Promise<string[]> =>
  (await Promise.all(tokens)).map(({ value }) => value);

/** Answers the first calls with tokens, and refuses all after them. */
const grantingFirst = (count: number): ((call: Call) => void) => {
  return (call) => (call.number <= count ? call.grant() : refusing(call));
};

const abortListeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("concurrent callers", () => {
  it("share one token request, ten thousand of them on a cold source", async () => {
    const { source, endpoint } = stage();
    const waiting = times(10_000, () => source.getToken());
    await settled();
    expect(endpoint.calls).toHaveLength(1);
    endpoint.last.grant();
    expect(new Set(await Promise.all(waiting)).size).toBe(1);
    expect(endpoint.calls).toHaveLength(1);
  });

  it("share the attempts of a failing call, and each get an error", async () => {
    const { source, endpoint, clock } = stage({ onCall: (call) => call.lose() });
    const waiting = times(1_000, () => rejection(source.getToken()));
    await clock.advance(10 * SECOND);
    const errors = await Promise.all(waiting);
    expect(endpoint.calls).toHaveLength(4);
    expect(new Set(errors).size).toBe(1_000);
    for (const error of errors) {
      expect(isTalkdeskError(error) && error.code).toBe("token_network");
    }
  });

  it("make a new call after a failed one, since failures are not cached", async () => {
    const { source, endpoint } = stage({ onCall: refusing });
    expect(await rejection(source.getToken())).toMatchObject({ code: "request_refused" });
    expect(await rejection(source.getToken())).toMatchObject({ code: "request_refused" });
    expect(endpoint.calls).toHaveLength(2);
  });

  it("get the token of their own tenant, in any order of answers", async () => {
    const order = fc.shuffledSubarray(
      times(20, (index) => index),
      { minLength: 20 },
    );
    await fc.assert(
      fc.asyncProperty(order, order, async (asked, answered) => {
        const tenants = times(20, () => stage());
        const callers = [...asked, ...asked].map((index) => ({
          index,
          token: (tenants[index] as (typeof tenants)[number]).source.getToken(),
        }));
        await settled(1);
        for (const index of answered) {
          tenants[index]?.endpoint.last.grant({ access_token: `of-tenant-${index}` });
        }
        for (const { index, token } of callers) expect((await token).value).toBe(`of-tenant-${index}`);
        for (const { endpoint } of tenants) expect(endpoint.calls).toHaveLength(1);
      }),
      { numRuns: 50 },
    );
  });

  it("with other scopes have a separate source, call and token", async () => {
    const endpoint = scriptedEndpoint((call) =>
      call.grant({ access_token: new URLSearchParams(String(call.init.body)).get("scope") }),
    );
    const { client } = stage({ client: { fetch: endpoint.fetch } });
    const sources = ["contacts:read", "users:read"].map((scope) => clientCredentials(client, { scope }));
    const tokens = times(100, (index) => (sources[index % 2] as ClosableTokenSource).getToken());
    expect(await values(tokens)).toEqual(
      times(100, (index) => (index % 2 === 0 ? "contacts:read" : "users:read")),
    );
    expect(endpoint.calls).toHaveLength(2);
  });
});

describe("a caller's signal", () => {
  it("ends that caller's wait with the signal's reason, and no other wait", async () => {
    const { source, endpoint } = stage();
    const controller = new AbortController();
    const cancelled = rejection(source.getToken({ signal: controller.signal }));
    const patient = source.getToken({ signal: new AbortController().signal });
    const reason = { why: "the user left" };
    controller.abort(reason);
    expect(await cancelled).toBe(reason);
    await settled();
    endpoint.last.grant();
    expect((await patient).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
  });

  it("does not end the call, even when no caller waits for it any more", async () => {
    const { source, endpoint } = stage();
    const controller = new AbortController();
    const cancelled = times(3, () => rejection(source.getToken({ signal: controller.signal })));
    await settled();
    controller.abort();
    await Promise.all(cancelled);
    expect(endpoint.last.init.signal?.aborted).toBe(false);
    endpoint.last.grant();
    await settled();
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
  });

  it("that is a time limit rejects with its reason, and the token arrives later", async () => {
    const { source, endpoint } = stage();
    const error = await rejection(source.getToken({ signal: AbortSignal.timeout(1) }));
    expect(error).toMatchObject({ name: "TimeoutError" });
    endpoint.last.grant();
    expect((await source.getToken()).value).toBe("token-1");
  });

  it("that has aborted before rejects at once: no request, no listener", async () => {
    const { source, endpoint } = stage({ onCall: granting() });
    const signal = AbortSignal.abort("too late");
    expect(await rejection(source.getToken({ signal }))).toBe("too late");
    expect(endpoint.calls).toHaveLength(0);
    expect(abortListeners(signal)).toBe(0);
    await source.getToken();
    expect(await rejection(source.getToken({ signal }))).toBe("too late");
  });

  it.each([
    ["the token arrived", (call: Call) => call.grant()],
    ["the call failed", refusing],
  ])("has no listener left once %s", async (_, answer) => {
    const { source, endpoint } = stage();
    const { signal } = new AbortController();
    const waiting = times(3, () => source.getToken({ signal }).catch(() => {}));
    await settled();
    expect(abortListeners(signal)).toBe(1);
    answer(endpoint.last);
    await Promise.all(waiting);
    expect(abortListeners(signal)).toBe(0);
  });

  it("has no listener left once it has aborted or the source was closed", async () => {
    const { source } = stage();
    const [first, second] = [new AbortController(), new AbortController()];
    const waiting = [first, second].map(({ signal }) => rejection(source.getToken({ signal })));
    first.abort();
    expect(abortListeners(first.signal)).toBe(0);
    await source.close();
    expect(abortListeners(second.signal)).toBe(0);
    await Promise.all(waiting);
  });

  it("keeps its listener while others wait on it, in other sources too", async () => {
    const [acme, umbrella] = [stage(), stage()];
    const controller = new AbortController();
    const { signal } = controller;
    const first = acme.source.getToken({ signal });
    const second = rejection(umbrella.source.getToken({ signal }));
    await settled();
    acme.endpoint.last.grant();
    await first;
    expect(abortListeners(signal)).toBe(1);
    controller.abort("both");
    expect(await second).toBe("both");
  });

  it("that lives long may be used ten thousand times without a warning", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): void => void warnings.push(warning);
    process.on("warning", note);
    const { signal } = new AbortController();
    const { source, endpoint } = stage({ onCall: granting({ expires_in: 0 }) });
    for (let round = 0; round < 4; round += 1) {
      const waiting = times(2_500, () => source.getToken({ signal }));
      expect(abortListeners(signal)).toBe(1);
      await Promise.all(waiting);
      expect(abortListeners(signal)).toBe(0);
    }
    await settled();
    process.off("warning", note);
    expect(endpoint.calls).toHaveLength(4);
    expect(warnings).toEqual([]);
  });

  it("costs no listener while the token is fresh", async () => {
    const { source } = stage({ onCall: granting() });
    await source.getToken();
    const { signal } = new AbortController();
    const answer = source.getToken({ signal });
    expect(abortListeners(signal)).toBe(0);
    await answer;
  });
});

describe("renewal", () => {
  /** A source that holds its first token, and was asked at this age of it. */
  async function aged(ageMs: number, options: Parameters<typeof stage>[0] = {}, lifetimeSeconds = 599) {
    const staged = stage(options);
    const first = staged.source.getToken();
    await settled();
    staged.endpoint.last.grant({ expires_in: lifetimeSeconds });
    await first;
    staged.clock.pass(ageMs);
    return staged;
  }

  async function isAnsweredAtOnce(source: ClosableTokenSource): Promise<boolean> {
    const pending = {};
    const answer = source.getToken();
    answer.catch(() => {});
    await Promise.resolve();
    return (await Promise.race([answer, Promise.resolve(pending)])) !== pending;
  }

  it.each([
    // [what, age in ms, requests for a new token, whether the answer comes at once]
    ["nothing before the soft point", 539_099, 0, true],
    ["one request in the background from the soft point on", 539_100, 1, true],
    ["the same just before the hard margin", 593_999, 1, true],
    ["one request that callers wait for in the hard margin", 594_000, 1, false],
    ["the same at the end", 599_000, 1, false],
  ])("causes %s", async (_, ageMs, requests, atOnce) => {
    const { source, endpoint } = await aged(ageMs);
    expect(await isAnsweredAtOnce(source)).toBe(atOnce);
    expect(await isAnsweredAtOnce(source)).toBe(atOnce);
    await settled();
    expect(endpoint.calls).toHaveLength(1 + requests);
  });

  it.each([
    ["a minute before the end of an hour", {}, 3_600, 3_540_000],
    ["a tenth before the end of a short life", {}, 20, 18_000],
    ["as early as it is told", { refreshEarlyMs: 10 * SECOND }, 599, 589_000],
    ["never earlier than a tenth before the end", { refreshEarlyMs: HOUR }, 599, 539_100],
    ["no later than the hard margin, with refreshEarlyMs: 0", { refreshEarlyMs: 0 }, 599, 594_000],
    [
      "a sixtieth before the end of a shorter life, with refreshEarlyMs: 0",
      { refreshEarlyMs: 0 },
      60,
      59_000,
    ],
  ])("begins %s", async (_, options, lifetimeSeconds, softAgeMs) => {
    const { source, endpoint, clock } = await aged(softAgeMs - 1, options, lifetimeSeconds);
    void source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(1);
    clock.pass(1);
    const answer = source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(2);
    endpoint.last.grant();
    await answer;
  });

  it("replaces the token in the background, once", async () => {
    const { source, endpoint } = await aged(550 * SECOND);
    expect(await values(times(100, () => source.getToken()))).toEqual(times(100, () => "token-1"));
    expect(endpoint.calls).toHaveLength(2);
    endpoint.last.grant();
    await settled();
    expect((await source.getToken()).value).toBe("token-2");
    expect(endpoint.calls).toHaveLength(2);
  });

  it("is spread over the soft window by jitter", async () => {
    for (const [random, softAgeMs] of [
      [0, 539_100],
      [0.5, 566_550],
      [1, 594_000],
      // Out of its range, as a careless function may be: never outside the window.
      [-3, 539_100],
      [7, 594_000],
    ] as const) {
      const { source, endpoint, clock } = await aged(softAgeMs - 1, { client: { random: () => random } });
      void source.getToken();
      clock.pass(1);
      await settled();
      expect(endpoint.calls, `random ${random}`).toHaveLength(1);
      void source.getToken();
      await settled();
      expect(endpoint.calls, `random ${random}`).toHaveLength(2);
    }
  });

  it("of five hundred processes that started together spreads over the window", async () => {
    // A linear congruential generator: what matters is that it is not ours.
    let seed = 42;
    const random = (): number => {
      seed = (seed * 1_664_525 + 1_013_904_223) % 2 ** 32;
      return seed / 2 ** 32;
    };
    const clock = new VirtualClock();
    const fleet = times(500, () => stage({ clock, client: { random }, onCall: granting() }));
    await Promise.all(fleet.map(({ source }) => source.getToken()));
    const renewedIn: number[] = [];
    let before = 500;
    clock.pass(539_100);
    for (let tenth = 1; tenth <= 10; tenth += 1) {
      clock.pass(5_490);
      await Promise.all(fleet.map(({ source }) => source.getToken()));
      const calls = fleet.reduce((sum, { endpoint }) => sum + endpoint.calls.length, 0);
      renewedIn.push(calls - before);
      before = calls;
    }
    expect(renewedIn.reduce((sum, renewed) => sum + renewed)).toBe(500);
    for (const renewed of renewedIn) expect(renewed).toBeGreaterThan(25);
    for (const renewed of renewedIn) expect(renewed).toBeLessThan(80);
  });

  it("that fails in the background fails no caller, and is tried again after a pause that doubles", async () => {
    const { source, endpoint, clock } = stage({ onCall: grantingFirst(1) });
    await source.getToken();
    clock.pass(539_100);
    const requestedAt: number[] = [];
    for (let tenths = 0; tenths < 200; tenths += 1) {
      const { length } = endpoint.calls;
      expect((await source.getToken()).value).toBe("token-1");
      await settled(1);
      if (endpoint.calls.length > length) requestedAt.push(tenths / 10);
      clock.pass(100);
    }
    expect(requestedAt).toEqual([0, 1, 3, 7, 15]);
  });

  it("that failed leaves nothing behind when the token expires and no caller waits", async () => {
    const { source, endpoint, clock } = stage({
      onCall: (call) => (call.number === 2 ? refusing(call) : call.grant()),
    });
    await source.getToken();
    clock.pass(550 * SECOND);
    await source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(2);
    clock.pass(HOUR);
    await settled();
    expect((await source.getToken()).value).toBe("token-3");
  });

  it("that fails inside the hard margin gives the waiting callers the current token", async () => {
    const { source, endpoint } = await aged(595 * SECOND);
    const waiting = times(10, () => source.getToken());
    await settled();
    refusing(endpoint.last);
    expect(await values(waiting)).toEqual(times(10, () => "token-1"));
    // And the next caller, without another request.
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(2);
  });

  it("that fails after the token has expired rejects the waiting callers", async () => {
    const { source, endpoint, clock } = await aged(598 * SECOND);
    const waiting = times(2, () => rejection(source.getToken()));
    await settled();
    clock.pass(SECOND);
    refusing(endpoint.last);
    for (const error of await Promise.all(waiting)) {
      expect(error).toMatchObject({ code: "request_refused" });
    }
  });

  it("never fails a caller before the token's end, with the server down and a hundred calls a second", async () => {
    const { source, endpoint, clock } = stage({ onCall: grantingFirst(1) });
    await source.getToken();
    clock.pass(539_100);
    const failures: number[] = [];
    const requestsAtEnd = { count: 0 };
    for (let age = 539_100; age < 659_000; age += 10) {
      if (age === 599_000) requestsAtEnd.count = endpoint.calls.length;
      await source.getToken().catch(() => failures.push(age));
      clock.pass(10);
    }
    expect(Math.min(...failures)).toBe(599_000);
    expect(failures).toHaveLength(6_000);
    expect(requestsAtEnd.count).toBeLessThan(10);
    expect(endpoint.calls.length).toBeLessThan(15);
  });

  it.each([1, 2, 5])("does not ask at every call for a token of %s s", async (lifetimeSeconds) => {
    const { source, endpoint, clock } = stage({ onCall: granting({ expires_in: lifetimeSeconds }) });
    for (let ms = 0; ms < 20 * SECOND; ms += 5) {
      await source.getToken();
      clock.pass(5);
    }
    const lives = 20 / lifetimeSeconds;
    expect(endpoint.calls.length).toBeGreaterThanOrEqual(lives);
    expect(endpoint.calls.length).toBeLessThanOrEqual(lives * 1.2 + 1);
  });

  it.each([0, -1])(
    "gives a token that lives %s s to the waiting callers only, and closes the gate after five",
    async (expires_in) => {
      const { source, endpoint } = stage({ onCall: granting({ expires_in }) });
      expect(await values(times(20, () => source.getToken()))).toEqual(times(20, () => "token-1"));
      for (let call = 2; call <= 5; call += 1) expect((await source.getToken()).value).toBe(`token-${call}`);
      const error = await rejection(source.getToken());
      expect(error).toMatchObject({ code: "token_malformed", status: 200 });
      expect(String(error)).toMatch(/no lifetime/);
      expect(endpoint.calls).toHaveLength(5);
    },
  );

  it("keeps a token of a year without a timer, and renews it in its last minute", async () => {
    const clock = new VirtualClock();
    const delays: number[] = [];
    const setTimeout = clock.setTimeout.bind(clock);
    clock.setTimeout = (callback, delayMs) => {
      delays.push(delayMs);
      return setTimeout(callback, delayMs);
    };
    const { source, endpoint } = stage({ clock, onCall: granting({ expires_in: YEAR / SECOND }) });
    await source.getToken();
    expect(clock.timers).toBe(0);
    clock.pass(YEAR - 60_001);
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
    clock.pass(1);
    expect((await source.getToken()).value).toBe("token-1");
    await settled();
    expect((await source.getToken()).value).toBe("token-2");
    expect(clock.timers).toBe(0);
    expect(Math.max(...delays)).toBe(10_000);
  });
});

describe("age", () => {
  it("counts from before the request was sent", async () => {
    const { source, endpoint, clock } = stage({ client: { timeoutMs: HOUR } });
    const first = source.getToken();
    await settled();
    clock.pass(400 * SECOND);
    endpoint.last.grant();
    await first;
    clock.pass(139_099);
    void source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(1);
    clock.pass(1);
    void source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(2);
  });

  it("counts from the attempt that was answered, not from the first", async () => {
    const { source, endpoint, clock } = stage({ client: { timeoutMs: HOUR } });
    const first = source.getToken();
    await settled();
    endpoint.last.refuse(503, undefined, { "retry-after": "100" });
    await clock.advance(100 * SECOND);
    await settled();
    endpoint.last.grant();
    await first;
    clock.pass(539_099);
    void source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(2);
  });

  it("gives a token that arrived after its lifetime to the waiting callers only", async () => {
    const { source, endpoint, clock } = stage();
    const first = source.getToken();
    await settled();
    clock.pass(5 * SECOND);
    endpoint.last.grant({ expires_in: 3 });
    expect((await first).value).toBe("token-1");
    const second = source.getToken();
    await settled();
    endpoint.last.grant();
    expect((await second).value).toBe("token-2");
  });

  it("follows a forward step of the wall clock with one renewal, and no more", async () => {
    const { source, endpoint, clock } = stage({ onCall: granting() });
    await source.getToken();
    clock.step(2 * HOUR);
    expect((await source.getToken()).value).toBe("token-2");
    clock.pass(500 * SECOND);
    expect((await source.getToken()).value).toBe("token-2");
    expect(endpoint.calls).toHaveLength(2);
  });

  it("is not shortened by setting the wall clock back", async () => {
    const { source, clock } = stage({ onCall: granting() });
    await source.getToken();
    clock.step(-2 * HOUR);
    clock.pass(599 * SECOND);
    expect((await source.getToken()).value).toBe("token-2");
  });

  it("includes the time asleep, when the monotonic clock stands still", async () => {
    const { source, endpoint, clock } = stage({ onCall: granting() });
    await source.getToken();
    clock.step(HOUR);
    expect(await values(times(50, () => source.getToken()))).toEqual(times(50, () => "token-2"));
    expect(endpoint.calls).toHaveLength(2);
  });

  it("needs no restart after an hour without a network", async () => {
    let isOnline = true;
    const { source, endpoint, clock } = stage({
      onCall: (call) => (isOnline ? call.grant() : refusing(call)),
    });
    await source.getToken();
    isOnline = false;
    for (let minute = 0; minute < 60; minute += 1) {
      clock.pass(60 * SECOND);
      await source.getToken().catch(() => {});
    }
    const { length } = endpoint.calls;
    isOnline = true;
    clock.pass(60 * SECOND);
    expect((await source.getToken()).value).toBe(`token-${length + 1}`);
  });

  describe("without a custom clock", () => {
    afterEach(() => void vi.useRealTimers());

    const platformSource = () => {
      const endpoint = scriptedEndpoint(granting());
      const client = talkdeskClient({
        account: "acme",
        authentication: clientSecretBasic({ clientId: "client", clientSecret: "a secret" }),
        fetch: endpoint.fetch,
        random: () => 0,
      });
      return { endpoint, source: clientCredentials(client) };
    };

    it("follows fake timers that were there before the source", async () => {
      vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
      const { source, endpoint } = platformSource();
      await source.getToken();
      vi.advanceTimersByTime(539_099);
      await source.getToken();
      await settled();
      expect(endpoint.calls).toHaveLength(1);
      vi.advanceTimersByTime(1);
      await source.getToken();
      await settled();
      expect(endpoint.calls).toHaveLength(2);
    });

    it("follows fake timers that come and go while it holds a token", async () => {
      const { source, endpoint } = platformSource();
      await source.getToken();
      vi.useFakeTimers({ toFake: ["Date", "performance", "setTimeout", "clearTimeout"] });
      await source.getToken();
      expect(endpoint.calls).toHaveLength(1);
      vi.advanceTimersByTime(HOUR);
      expect((await source.getToken()).value).toBe("token-2");
      vi.useRealTimers();
      expect((await source.getToken()).value).toBe("token-2");
      expect(endpoint.calls).toHaveLength(2);
    });

    it("follows a fake Date alone", async () => {
      const { source } = platformSource();
      await source.getToken();
      vi.useFakeTimers({ toFake: ["Date"] });
      vi.setSystemTime(Date.now() + HOUR);
      expect((await source.getToken()).value).toBe("token-2");
    });
  });
});

describe("a refused token", () => {
  it("causes one request, however many callers report it together", async () => {
    const { source, endpoint } = stage({ onCall: granting() });
    const rejected = await source.getToken();
    const tokens = await values(times(1_000, () => source.getToken({ rejected })));
    expect(tokens).toEqual(times(1_000, () => "token-2"));
    expect(endpoint.calls).toHaveLength(2);
  });

  it("causes one request when it is reported before, during and after the renewal", async () => {
    const { source, endpoint, clock } = stage();
    const first = source.getToken();
    await settled();
    endpoint.last.grant();
    const rejected = await first;
    const reports: Promise<AccessToken>[] = [];
    for (let report = 0; report < 1_000; report += 1) {
      reports.push(source.getToken({ rejected }));
      clock.pass(5);
      await settled(1);
      if (report === 400) endpoint.last.grant();
    }
    expect(await values(reports)).toEqual(times(1_000, () => "token-2"));
    expect(endpoint.calls).toHaveLength(2);
  });

  it("is still the answer for callers who have not reported it, until there is a newer one", async () => {
    const { source, endpoint } = stage();
    const first = source.getToken();
    await settled();
    endpoint.last.grant();
    const rejected = await first;
    const report = source.getToken({ rejected });
    expect((await source.getToken()).value).toBe("token-1");
    await settled();
    endpoint.last.grant();
    await report;
    expect((await source.getToken()).value).toBe("token-2");
  });

  it("that was replaced already, or came from elsewhere, causes no request", async () => {
    const { source, endpoint } = stage({ onCall: granting() });
    const rejected = await source.getToken();
    await source.getToken({ rejected });
    const foreign = accessToken({ value: "foreign", expiresAt: 0 });
    for (const reported of [rejected, foreign, rejected]) {
      expect((await source.getToken({ rejected: reported })).value).toBe("token-2");
    }
    expect(endpoint.calls).toHaveLength(2);
  });

  it("is compared by its value, not as an object", async () => {
    const { source } = stage({ onCall: granting() });
    const rejected = deserializeToken(serializeToken(await source.getToken()));
    expect((await source.getToken({ rejected })).value).toBe("token-2");
  });

  it("joins the renewal that is under way already", async () => {
    const { source, endpoint, clock } = stage();
    const first = source.getToken();
    await settled();
    endpoint.last.grant();
    const rejected = await first;
    clock.pass(550 * SECOND);
    await source.getToken();
    const reports = times(20, () => source.getToken({ rejected }));
    await settled();
    expect(endpoint.calls).toHaveLength(2);
    endpoint.last.grant();
    expect(await values(reports)).toEqual(times(20, () => "token-2"));
  });

  it("that replaced a refused one is believed: no loop within thirty seconds", async () => {
    const { source, endpoint, clock } = stage({ onCall: granting() });
    const second = await source.getToken({ rejected: await source.getToken() });
    const refuse = (): Promise<unknown[]> =>
      Promise.all(times(20, () => rejection(source.getToken({ rejected: second }))));
    const errors = await refuse();
    clock.pass(29_999);
    errors.push(...(await refuse()));
    expect(new Set(errors).size).toBe(40);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "token_refused",
        retryable: false,
        message: expect.stringMatching(
          /refused a token and then refused its replacement; check what the client may do there/,
        ),
      });
    }
    expect(endpoint.calls).toHaveLength(2);
    // Others have not been refused with it.
    expect((await source.getToken()).value).toBe("token-2");

    clock.pass(1);
    expect((await source.getToken({ rejected: second })).value).toBe("token-3");
  });

  it("that no refusal had caused is replaced, also right after it was issued", async () => {
    const { source, clock } = stage({ onCall: granting() });
    await source.getToken();
    clock.pass(599 * SECOND);
    const second = await source.getToken();
    expect((await source.getToken({ rejected: second })).value).toBe("token-3");
  });

  it("that comes back with the same value is not given to the callers who reported it", async () => {
    const { source, endpoint, clock } = stage({ onCall: granting({ access_token: "the-same" }) });
    const rejected = await source.getToken();
    for (let report = 0; report < 20; report += 1) {
      expect(await rejection(source.getToken({ rejected }))).toMatchObject({ code: "token_refused" });
    }
    expect(endpoint.calls).toHaveLength(2);
    expect((await source.getToken()).value).toBe("the-same");
    clock.pass(30 * SECOND);
    expect(await rejection(source.getToken({ rejected }))).toMatchObject({ code: "token_refused" });
    expect(endpoint.calls).toHaveLength(3);
  });

  it("that comes back with the same value by a renewal under way starts no loop either", async () => {
    const { source, endpoint, clock } = stage();
    const first = source.getToken();
    await settled();
    endpoint.last.grant({ access_token: "the-same" });
    const rejected = await first;
    clock.pass(550 * SECOND);
    await source.getToken();
    const reports = times(2, () => rejection(source.getToken({ rejected })));
    await settled();
    endpoint.last.grant({ access_token: "the-same" });
    for (const error of await Promise.all(reports)) expect(error).toMatchObject({ code: "token_refused" });
    expect(await rejection(source.getToken({ rejected }))).toMatchObject({ code: "token_refused" });
    expect(endpoint.calls).toHaveLength(2);
  });

  it("whose renewal fails is an error for the callers who reported it, and a token for all others", async () => {
    const { source, endpoint } = stage({ onCall: grantingFirst(1) });
    const rejected = await source.getToken();
    const reports = times(3, () => rejection(source.getToken({ rejected })));
    const other = source.getToken();
    const errors = await Promise.all(reports);
    for (const error of errors)
      expect(error).toMatchObject({ code: "request_refused", error: "invalid_scope" });
    expect(new Set(errors).size).toBe(3);
    expect((await other).value).toBe("token-1");
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(2);
  });
});

describe("the gate", () => {
  /** Asks until so many calls have failed. */
  async function failed(count: number, options: Parameters<typeof stage>[0] = {}) {
    const staged = stage({ onCall: refusing, ...options });
    for (let failure = 0; failure < count; failure += 1) await rejection(staged.source.getToken());
    expect(staged.endpoint.calls).toHaveLength(count);
    return staged;
  }

  it("closes after five failures in a row: nothing is sent, and each caller gets the cause and the time to ask again", async () => {
    const { source, endpoint, clock } = await failed(5);
    const errors = await Promise.all(times(100, () => rejection(source.getToken())));
    expect(endpoint.calls).toHaveLength(5);
    expect(new Set(errors).size).toBe(100);
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "request_refused",
        status: 400,
        error: "invalid_scope",
        retryAt: clock.now() + SECOND,
      });
      expect(String(error)).toContain(new Date(clock.now() + SECOND).toISOString());
      expect(String(error)).toMatch(/refused the request with 400/);
    }
  });

  it("keeps the cause of the failure that closed it", async () => {
    const { source, clock } = stage({
      onCall: (call) => call.lose(Object.assign(new TypeError("fetch failed"), { code: "ECONNREFUSED" })),
    });
    for (let failure = 0; failure < 5; failure += 1) {
      const failing = rejection(source.getToken());
      await clock.advance(0);
      await failing;
    }
    const error = await rejection(source.getToken());
    expect(error).toMatchObject({ code: "token_network", retryable: true, cause: { code: "ECONNREFUSED" } });
    expect(error).toHaveProperty("retryAt", clock.now() + SECOND);
  });

  it("is open until the fifth failure", async () => {
    const { source, endpoint } = await failed(4);
    const error = await rejection(source.getToken());
    expect(error).not.toHaveProperty("retryAt");
    expect(endpoint.calls).toHaveLength(5);
  });

  it("stays closed for one second, doubling to thirty", async () => {
    const { source, endpoint, clock } = await failed(5);
    const pauses: number[] = [];
    for (let pause = 0, calls = 5; pauses.length < 8; pause += 500) {
      await rejection(source.getToken());
      if (endpoint.calls.length > calls) {
        pauses.push(pause);
        pause = 0;
        calls = endpoint.calls.length;
      }
      clock.pass(500);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  it("lets one probe through, which all callers wait for, and opens when it succeeds", async () => {
    const { source, endpoint, clock } = await failed(5, {
      onCall: (call) => {
        if (call.number <= 5) refusing(call);
      },
    });
    clock.pass(999);
    await rejection(source.getToken());
    expect(endpoint.calls).toHaveLength(5);
    clock.pass(1);
    const waiting = times(100, () => source.getToken());
    await settled();
    expect(endpoint.calls).toHaveLength(6);
    endpoint.last.grant({ expires_in: 0 });
    await Promise.all(waiting);
    // A token without a lifetime is a failure too: the gate is closed again, for longer.
    expect(await rejection(source.getToken())).toMatchObject({ retryAt: clock.now() + 2_000 });
    clock.pass(2_000);
    const probe = source.getToken();
    await settled();
    endpoint.last.grant();
    expect((await probe).value).toBe("token-7");
  });

  it("lets callers wait for a probe under way, although the clock was set back", async () => {
    const { source, endpoint, clock } = await failed(5, {
      onCall: (call) => {
        if (call.number <= 5) refusing(call);
      },
    });
    clock.step(HOUR);
    const probe = source.getToken();
    await settled();
    clock.step(-HOUR);
    const late = source.getToken();
    endpoint.last.grant();
    expect(await values([probe, late])).toEqual(["token-6", "token-6"]);
  });

  it("counts failures in a row only: a success resets the count", async () => {
    const { source, endpoint, clock } = await failed(4, {
      onCall: (call) => (call.number === 5 ? call.grant() : refusing(call)),
    });
    await source.getToken();
    clock.pass(HOUR);
    for (let failure = 0; failure < 4; failure += 1) await rejection(source.getToken());
    await rejection(source.getToken());
    expect(endpoint.calls).toHaveLength(10);
    await rejection(source.getToken());
    expect(endpoint.calls).toHaveLength(10);
  });

  it.each([
    ["as long as it says", "20", 20_000],
    ["five minutes at most", "4000", 300_000],
  ])("closes at the first Retry-After, %s", async (_, retryAfter, gateMs) => {
    const onCall = (call: Call): void => call.refuse(429, undefined, { "retry-after": retryAfter });
    const { source, endpoint, clock } = await failed(1, { onCall });
    clock.pass(gateMs - 1);
    expect(await rejection(source.getToken())).toMatchObject({
      code: "token_unavailable",
      status: 429,
      retryAt: clock.now() + 1,
    });
    expect(endpoint.calls).toHaveLength(1);
    clock.pass(1);
    await rejection(source.getToken());
    expect(endpoint.calls).toHaveLength(2);
  });

  it("does not close for a Retry-After of nothing", async () => {
    const { source, endpoint, clock } = stage({
      onCall: (call) => call.refuse(503, undefined, { "retry-after": "0" }),
    });
    for (const calls of [4, 8]) {
      const failing = rejection(source.getToken());
      await clock.advance(SECOND);
      await failing;
      expect(endpoint.calls).toHaveLength(calls);
    }
  });

  it("that is closed withholds a valid token only from the callers who reported it", async () => {
    const { source, endpoint } = stage({ onCall: grantingFirst(1) });
    const rejected = await source.getToken();
    for (let failure = 0; failure < 5; failure += 1) await rejection(source.getToken({ rejected }));
    expect(endpoint.calls).toHaveLength(6);
    expect(await rejection(source.getToken({ rejected }))).toMatchObject({ code: "request_refused" });
    expect((await source.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(6);
  });

  it("that is closed by a Retry-After pauses background renewals as long", async () => {
    const { source, endpoint, clock } = stage({
      onCall: (call) =>
        call.number === 1 ? call.grant() : call.refuse(503, undefined, { "retry-after": "30" }),
    });
    await source.getToken();
    clock.pass(550 * SECOND);
    for (let second = 0; second < 30; second += 1) {
      await source.getToken();
      await settled(1);
      clock.pass(SECOND);
    }
    expect(endpoint.calls).toHaveLength(2);
    await source.getToken();
    await settled();
    expect(endpoint.calls).toHaveLength(3);
  });

  it("of one tenant does not affect another", async () => {
    const clock = new VirtualClock();
    const { source: wrong } = await failed(5, { clock });
    const { source: right, endpoint } = stage({ clock, onCall: granting() });
    await rejection(wrong.getToken());
    expect((await right.getToken()).value).toBe("token-1");
    expect(endpoint.calls).toHaveLength(1);
  });

  it("of one source does not affect another of the same client", async () => {
    const { client, endpoint } = await failed(5);
    await rejection(clientCredentials(client, { scope: "contacts:read" }).getToken());
    expect(endpoint.calls).toHaveLength(6);
  });
});

describe("a call that fails with an unexpected error", () => {
  it("rejects all waiting callers with a TalkdeskError", async () => {
    const { source } = stage({
      client: {
        random() {
          throw new RangeError("out of numbers");
        },
      },
      onCall: (call) => call.lose(),
    });
    const errors = await Promise.all(times(2, () => rejection(source.getToken())));
    for (const error of errors) {
      expect(isTalkdeskError(error)).toBe(true);
      expect(error).toMatchObject({
        code: "token_network",
        message: "The token call failed in an unforeseen way.",
        cause: { name: "RangeError", message: "out of numbers" },
      });
    }
    expect(new Set(errors).size).toBe(2);
  });
});

describe("a listener", () => {
  it("may ask for a token itself, and waits with the others", async () => {
    const asked: Promise<AccessToken>[] = [];
    const { source, endpoint } = stage({
      onCall: granting(),
      onEvent: ({ type }) => {
        if (type === "token_requested") asked.push(source.getToken());
      },
    });
    expect((await source.getToken()).value).toBe("token-1");
    expect(await values(asked)).toEqual(["token-1"]);
    expect(endpoint.calls).toHaveLength(1);
  });

  it.each(["token_requested", "token_rejected"] as const)(
    "may close the source at %s: the caller gets source_closed, and nothing comes back to life",
    async (type: TokenEvent["type"]) => {
      const armed = { isArmed: false };
      const { source, endpoint, clock } = stage({
        onCall: granting(),
        onEvent: (event) => {
          if (armed.isArmed && event.type === type) void source.close();
        },
      });
      const rejected = await source.getToken();
      armed.isArmed = true;
      expect(await rejection(source.getToken({ rejected }))).toMatchObject({ code: "source_closed" });
      await settled();
      expect(endpoint.calls).toHaveLength(1);
      expect(clock.timers).toBe(0);
      expect(await rejection(source.getToken())).toMatchObject({ code: "source_closed" });
    },
  );

  it("may close the source when the token arrives: only the waiting callers get it", async () => {
    const { source } = stage({
      onCall: granting(),
      onEvent: ({ type }) => {
        if (type === "token_received") void source.close();
      },
    });
    expect((await source.getToken()).value).toBe("token-1");
    expect(await rejection(source.getToken())).toMatchObject({ code: "source_closed" });
  });
});

describe("close", () => {
  it("rejects waiting and later callers, each with a separate error", async () => {
    const { source } = stage();
    const waiting = times(10, () => rejection(source.getToken()));
    await source.close();
    const errors = [...(await Promise.all(waiting)), await rejection(source.getToken())];
    for (const error of errors) {
      expect(error).toMatchObject({
        code: "source_closed",
        retryable: false,
        message: "This token source was closed.",
      });
    }
    expect(new Set(errors).size).toBe(11);
  });

  it("forgets the token, also for callers with a signal or a refused token", async () => {
    const { source, endpoint } = stage({ onCall: granting() });
    const rejected = await source.getToken();
    await source.close();
    for (const request of [undefined, {}, { rejected }, { signal: new AbortController().signal }]) {
      expect(await rejection(source.getToken(request))).toMatchObject({ code: "source_closed" });
    }
    expect(endpoint.calls).toHaveLength(1);
  });

  it("stops the request and the waits between attempts", async () => {
    const { source, endpoint, clock } = stage();
    const first = rejection(source.getToken());
    await settled();
    await source.close();
    await first;
    expect(endpoint.last.init.signal?.aborted).toBe(true);
    await settled();
    expect(clock.timers).toBe(0);

    const between = stage({ onCall: (call) => call.lose(), client: { random: () => 0.5 } });
    const second = rejection(between.source.getToken());
    await settled();
    expect(between.endpoint.calls).toHaveLength(1);
    await between.source.close();
    await second;
    await between.clock.advance(10 * SECOND);
    expect(between.endpoint.calls).toHaveLength(1);
  });

  it("is final: an answer that arrives later is discarded", async () => {
    for (let turns = 0; turns < 60; turns += 1) {
      const { source, endpoint } = stage();
      const waiting = source.getToken().then(
        ({ value }) => value,
        (error: { code: string }) => error.code,
      );
      await settled(1);
      endpoint.last.grant();
      for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
      await source.close();
      expect(["token-1", "source_closed"]).toContain(await waiting);
      await settled(1);
      expect(await rejection(source.getToken())).toMatchObject({ code: "source_closed" });
      expect(endpoint.calls).toHaveLength(1);
    }
  });

  it("is idempotent, and is what `await using` calls", async () => {
    const { source } = stage({ onCall: granting() });
    {
      await using used = source;
      await used.getToken();
    }
    expect(await rejection(source.getToken())).toMatchObject({ code: "source_closed" });
    await expect(source.close()).resolves.toBeUndefined();
    await expect(source.close()).resolves.toBeUndefined();
  });

  it("takes precedence over an aborted signal, and leaves other sources of the client open", async () => {
    const { source, client } = stage({ onCall: granting() });
    const other = clientCredentials(client);
    await source.close();
    expect(await rejection(source.getToken({ signal: AbortSignal.abort() }))).toMatchObject({
      code: "source_closed",
    });
    expect((await other.getToken()).value).toBe("token-1");
  });
});

describe("a caller who needs a token for longer than the current one lasts", () => {
  it("waits for a renewal, and others do not", async () => {
    const { source, clock, endpoint } = stage({ onCall: granting() });
    await source.getToken();
    clock.pass(300_000);
    expect((await source.getToken({ minimumLifetimeMs: 200_000 })).value).toBe("token-1");
    expect((await source.getToken({ minimumLifetimeMs: 400_000 })).value).toBe("token-2");
    expect((await source.getToken()).value).toBe("token-2");
    expect(endpoint.calls).toHaveLength(2);
  });

  it("gets the current token when the renewal fails, and the next calls cause no request for a while", async () => {
    const { source, clock, endpoint } = stage({
      onCall: (call) => (call.number === 1 ? call.grant() : refusing(call)),
    });
    await source.getToken();
    clock.pass(300_000);
    for (let call = 0; call < 3; call += 1) {
      expect((await source.getToken({ minimumLifetimeMs: 400_000 })).value).toBe("token-1");
    }
    expect(endpoint.calls).toHaveLength(2);
  });

  it("gets the token that lasts longer, when the renewal brings a shorter one", async () => {
    const { source, clock } = stage({
      onCall: (call) => call.grant(call.number === 1 ? {} : { expires_in: 60 }),
    });
    await source.getToken();
    clock.pass(300_000);
    expect((await source.getToken({ minimumLifetimeMs: 400_000 })).value).toBe("token-1");
  });

  it("does not cause a request per call, however long that is", async () => {
    const { source, clock, endpoint } = stage({ onCall: granting() });
    for (let call = 0; call < 100; call += 1) {
      await source.getToken({ minimumLifetimeMs: Number.POSITIVE_INFINITY });
      clock.pass(1_000);
    }
    expect(endpoint.calls).toHaveLength(2);
  });

  it.each([-1, Number.NaN, "5"])("must not say %s", async (minimumLifetimeMs) => {
    const { source, endpoint } = stage({ onCall: granting() });
    const error = await rejection(source.getToken({ minimumLifetimeMs: minimumLifetimeMs as number }));
    expect(error).toBeInstanceOf(TypeError);
    expect(endpoint.calls).toHaveLength(0);
  });
});
