import {
  type AccessToken,
  accessToken,
  clientCredentials,
  deserializeToken,
  memoryStore,
  requestToken,
  serializeToken,
  serviceToken,
  type TalkdeskClient,
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
  RotatingEndpoint,
  sessionClient,
  TestStore,
} from "./support/session-fixture.js";

const KEY = "session-1";
const DAY_MS = 86_400_000;

let clock: VirtualClock;
let store: TestStore;
let events: TokenEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  store = new TestStore(clock);
  events = [];
});

const loginToken = (members?: Parameters<typeof loginTokenAt>[1]): AccessToken =>
  loginTokenAt(clock, members);

const open = (client: TalkdeskClient, options: Partial<UserSessionOptions> = {}): UserSession =>
  userSession(client, { store, key: KEY, onEvent: (event) => events.push(event), ...options });

const faults = (): string[] =>
  events.flatMap((event) => (event.type === "store_failed" ? [event.error.code] : []));

describe("one store and key, used by two clients", () => {
  const other: readonly [name: string, options: Parameters<typeof sessionClient>[2]][] = [
    ["in another region", { region: "eu" }],
    ["of another account", { account: "globex" }],
    ["at another gateway", { endpoints: { api: "https://gateway.example" } }],
  ];

  it.each(other)("hands no token to a client %s, and sends no refresh token there", async (_, options) => {
    const ours = new RotatingEndpoint();
    const theirs = new RotatingEndpoint();
    await open(sessionClient(ours, clock), { token: loginToken() }).getToken();
    const stranger = open(sessionClient(theirs, clock, options));
    for (const passedMs of [0, 599_000]) {
      clock.pass(passedMs);
      expect((await failure(stranger.getToken())).code).toBe("reauthentication_required");
    }
    expect(theirs.received).toEqual([]);
    expect(faults()).toContain("store_corrupt");
    // The owner still has its token.
    expect((await open(sessionClient(ours, clock)).getToken()).value).toBe("at-1");
  });

  it("replaces the record at the next login, and the first client then needs a login too", async () => {
    const us = new RotatingEndpoint();
    const eu = new RotatingEndpoint();
    const first = open(sessionClient(us, clock), { token: loginToken() });
    await first.getToken();
    const europe = sessionClient(eu, clock, { region: "eu" });
    const login = loginToken({ value: "at-eu", refreshToken: "rt-0", issuedAt: clock.now() - 60_000 });
    expect((await open(europe, { token: login }).getToken()).value).toBe("at-eu");
    clock.pass(599_000);
    expect((await failure(first.getToken())).code).toBe("reauthentication_required");
    expect(us.received).toEqual([]);
    expect((await open(europe).getToken()).value).toBe("at-1");
    expect(eu.received).toEqual(["rt-0"]);
  });

  it("keeps the tokens of programs apart as well", async () => {
    const us = new RotatingEndpoint();
    const client = (name: string, options = {}) =>
      sessionClient(
        { fetch: async () => Response.json({ access_token: name, token_type: "bearer", expires_in: 599 }) },
        clock,
        options,
      );
    const options = { store, key: KEY, onEvent: (event: TokenEvent) => events.push(event) };
    expect((await clientCredentials(client("of-us"), options).getToken()).value).toBe("of-us");
    const europe = client("of-eu", { region: "eu" });
    expect((await clientCredentials(europe, options).getToken()).value).toBe("of-eu");
    expect((await serviceToken(client("of-au", { region: "au" }), options).getToken()).value).toBe("of-au");
    expect(faults()).toEqual(["store_corrupt", "store_corrupt"]);
    expect(us.received).toEqual([]);
  });

  it("gives a program no user's token, and no source a token that is sent in another form", async () => {
    const endpoint = new RotatingEndpoint();
    const user = open(sessionClient(endpoint, clock), { token: loginToken() });
    await user.getToken();
    const answers = { fetch: async () => Response.json({ access_token: "of-program", expires_in: 599 }) };
    const options = { store, key: KEY, onEvent: (event: TokenEvent) => events.push(event) };
    const program = clientCredentials(sessionClient(answers, clock), options);
    expect((await program.getToken()).authorization).toBe("Bearer of-program");
    const service = serviceToken(sessionClient(answers, clock), options);
    expect((await service.getToken()).authorization).toBe("of-program");
    expect(faults()).toEqual(["store_corrupt", "store_corrupt"]);
  });

  it("refuses the token of another client's login at once", async () => {
    const endpoint = new RotatingEndpoint();
    const grant = { grant_type: "refresh_token", refresh_token: "rt-0" } as const;
    const token = await requestToken(sessionClient(endpoint, clock), grant);
    const europe = sessionClient(endpoint, clock, { region: "eu" });
    expect(() => open(europe, { token })).toThrow(TypeError);
    expect(() => open(sessionClient(endpoint, clock), { token })).not.toThrow();
    await expect(open(europe).start(token)).rejects.toThrow(/given to another client/);
    expect(store.records.size).toBe(0);
  });

  it("replaces a record of a version that did not write the owner", async () => {
    const record = { ...JSON.parse(serializeToken(loginToken())), source: { attempt: undefined } };
    await store.write(KEY, JSON.stringify(record), { expectedVersion: 0 });
    const endpoint = new RotatingEndpoint();
    const client = sessionClient(endpoint, clock);
    expect((await failure(open(client).getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual([]);
    const token = loginToken({ value: "at-new", issuedAt: clock.now() - 1 });
    expect((await open(client, { token }).getToken()).value).toBe("at-new");
  });
});

describe("a record that its store cannot read", () => {
  it("is reported and counts as absent, whatever the class of the store's error", async () => {
    const endpoint = new RotatingEndpoint();
    const broken: TokenStore = {
      read: async () => {
        throw Object.assign(new Error("WRONGTYPE at redis://user:store-password@host"), {
          code: "store_corrupt",
        });
      },
      write: (...call) => store.write(...call),
      delete: (key) => store.delete(key),
      lock: (...call) => store.lock(...call),
    };
    const error = await failure(open(sessionClient(endpoint, clock), { store: broken }).getToken());
    expect(error.code).toBe("reauthentication_required");
    expect(faults()).toEqual(["store_corrupt"]);
    expect(JSON.stringify(events)).not.toContain("store-password");
  });
});

describe("a record of a newer version", () => {
  /** Gives the stored record the next format, or back the present one. */
  function setFormat(format: number): void {
    const record = store.records.get(KEY);
    if (record === undefined) throw new Error("There is no record.");
    const value = JSON.stringify({ ...JSON.parse(record.value), format });
    store.records.set(KEY, { ...record, value });
  }
  const stored = (): string | undefined => store.records.get(KEY)?.value;

  it("is refused and kept, and its session goes on in the newer version", async () => {
    const endpoint = new RotatingEndpoint();
    const client = sessionClient(endpoint, clock);
    const session = open(client, { token: loginToken() });
    await session.getToken();
    setFormat(2);
    const before = stored();
    // The token held is valid, whatever is stored.
    expect((await session.getToken()).value).toBe("at-login");
    clock.pass(599_000);
    for (const process of [session, open(client)]) {
      const error = await failure(process.getToken());
      expect(error).toMatchObject({ code: "store_unavailable", retryable: true });
      expect(error.message).toContain("newer version");
    }
    expect(stored()).toBe(before);
    expect(endpoint.received).toEqual([]);
    setFormat(1);
    clock.pass(60_000);
    expect((await session.getToken()).value).toBe("at-1");
    expect(events.map(({ type }) => type)).not.toContain("session_ended");
  });

  it("is refused when it comes during a refresh, and the new token is kept in memory", async () => {
    const endpoint = new RotatingEndpoint();
    const session = open(sessionClient(endpoint, clock), { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    endpoint.treat = () => {
      const { value, version } = store.records.get(KEY) as { value: string; version: number };
      store.records.set(KEY, { value, version: version + 100, fence: 0 });
      setFormat(2);
      return "answers";
    };
    expect((await session.getToken()).value).toBe("at-1");
    expect(JSON.parse(stored() ?? "")).toMatchObject({ format: 2, value: "at-login" });
    expect(faults()).toContain("store_unavailable");
    setFormat(1);
    await clock.advance(10_000);
    expect(deserializeToken(stored() ?? "").refreshToken).toBe("rt-1");
  });

  it("is replaced by a new login, and removed by the end of the session", async () => {
    const client = sessionClient(new RotatingEndpoint(), clock);
    const session = open(client, { token: loginToken() });
    await session.getToken();
    setFormat(2);
    await session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
    expect(deserializeToken(stored() ?? "").value).toBe("at-new");
    expect(faults()).toEqual([]);
    setFormat(3);
    await session.end();
    expect(stored()).toBeUndefined();
  });

  it("is not replaced by the token of a program, which goes on alone", async () => {
    const fetch = async () => Response.json({ access_token: "alone", token_type: "bearer", expires_in: 599 });
    const program = () =>
      clientCredentials(sessionClient({ fetch }, clock), {
        store,
        key: KEY,
        onEvent: (event) => events.push(event),
      });
    await program().getToken();
    setFormat(2);
    const before = stored();
    expect((await program().getToken()).value).toBe("alone");
    expect(stored()).toBe(before);
    expect(faults()).toEqual(["store_unavailable"]);
    expect(store.isLocked(KEY)).toBe(false);
  });

  it.each([0, 1.5, "2", null, undefined])(
    "is one of a format above ours; %j is unreadable",
    async (format) => {
      const text = JSON.stringify({ ...JSON.parse(serializeToken(loginToken())), format });
      await store.write(KEY, text, { expectedVersion: 0 });
      const session = open(sessionClient(new RotatingEndpoint(), clock));
      expect((await failure(session.getToken())).code).toBe("reauthentication_required");
      expect(faults()).toEqual(["store_corrupt"]);
    },
  );

  it("keeps members that this version does not know, through a refresh", async () => {
    const endpoint = new RotatingEndpoint();
    const client = sessionClient(endpoint, clock);
    await open(client, { token: loginToken() }).getToken();
    const record = store.records.get(KEY) as { value: string; version: number; fence: number };
    const { source, ...members } = JSON.parse(record.value) as { source: object };
    const value = JSON.stringify({ ...members, later: { a: [1] }, source: { ...source, alsoLater: "b" } });
    store.records.set(KEY, { ...record, value });
    clock.pass(599_000);
    await open(client).getToken();
    expect(JSON.parse(stored() ?? "")).toMatchObject({
      refreshToken: "rt-1",
      later: { a: [1] },
      source: { alsoLater: "b" },
    });
  });
});

describe("no record lives for ever", () => {
  /** The ends of all that was written, in milliseconds from now. */
  const ends: number[] = [];
  beforeEach(() => {
    ends.length = 0;
    const { write } = store;
    store.write = (key, value, options) => {
      expect(options.expiresAt).toSatisfy(Number.isSafeInteger);
      ends.push((options as { expiresAt: number }).expiresAt - clock.now());
      return write.call(store, key, value, options);
    };
  });

  it("an abandoned login is gone after 30 days, at each step of its life", async () => {
    const endpoint = new RotatingEndpoint();
    const session = open(sessionClient(endpoint, clock), { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    await session.getToken();
    endpoint.valid = undefined;
    clock.pass(599_000);
    await failure(session.getToken());
    expect(ends).toEqual(Array(ends.length).fill(30 * DAY_MS));
    expect(ends.length).toBeGreaterThanOrEqual(5);
    clock.pass(30 * DAY_MS - 1);
    expect(await store.read(KEY)).toBeDefined();
    clock.pass(1);
    expect(await store.read(KEY)).toBeUndefined();
  });

  it("a session that is used stays, and one that is idle for maxIdleMs needs a login", async () => {
    const endpoint = new RotatingEndpoint();
    const options = { maxIdleMs: DAY_MS };
    const session = open(sessionClient(endpoint, clock), { token: loginToken(), ...options });
    for (let day = 0; day < 40; day += 1) {
      await session.getToken();
      clock.pass(DAY_MS - 1);
    }
    await session.getToken();
    clock.pass(DAY_MS);
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    expect(store.records.size).toBe(0);
  });

  it("ends with its refresh token where the service names that end, but not before its token", async () => {
    const endpoint = new RotatingEndpoint();
    const lifetimes = [2 * DAY_MS, 60 * DAY_MS, 60_000];
    for (const [index, lifetimeMs] of lifetimes.entries()) {
      const extra = { refresh_token_expires_in: lifetimeMs / 1000 };
      const token = loginToken({ extra });
      await open(sessionClient(endpoint, clock), { token, key: `${index}` }).getToken();
    }
    expect(ends).toEqual([2 * DAY_MS, 30 * DAY_MS, 599_000]);
  });

  it("a program's token is forgotten when it ends", async () => {
    const fetch = async () => Response.json({ access_token: "at", token_type: "bearer", expires_in: 86_400 });
    await clientCredentials(sessionClient({ fetch }, clock), { store, key: "program" }).getToken();
    await serviceToken(sessionClient({ fetch }, clock), { store, key: "service" }).getToken();
    expect(ends).toEqual([DAY_MS, DAY_MS]);
  });

  it("keeps a session whose client goes by a clock of the past, as in tests", async () => {
    const past = new VirtualClock();
    past.step(-200 * 365 * DAY_MS);
    const session = userSession(sessionClient(new RotatingEndpoint(), past), {
      store: memoryStore(),
      key: KEY,
      token: loginToken({ issuedAt: past.now(), expiresAt: past.now() + 599_000 }),
    });
    await session.getToken();
    past.pass(599_000);
    expect((await session.getToken()).value).toBe("at-1");
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, "5"])("maxIdleMs must not be %s", (maxIdleMs) => {
    const client = sessionClient(new RotatingEndpoint(), clock);
    expect(() => open(client, { maxIdleMs: maxIdleMs as number })).toThrow(TypeError);
    expect(() => open(client, { maxIdleMs: maxIdleMs as number })).toThrow("maxIdleMs");
  });
});

describe("a session that is over", () => {
  let endpoint: RotatingEndpoint;
  let client: TalkdeskClient;
  beforeEach(() => {
    endpoint = new RotatingEndpoint();
    client = sessionClient(endpoint, clock);
  });

  /** A session whose tokens, the one held and the refresh token, were revoked. */
  async function revoked(session: UserSession): Promise<AccessToken> {
    const held = await session.getToken();
    endpoint.valid = undefined;
    return held;
  }

  it("never hands out a token that the API has refused", async () => {
    const session = open(client, { token: loginToken() });
    const rejected = await revoked(session);
    const others = [session.getToken({ rejected }), session.getToken({ rejected })];
    for (const call of others) expect((await failure(call)).code).toBe("reauthentication_required");
    for (let call = 0; call < 3; call += 1) {
      expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    }
    expect(endpoint.received).toEqual(["rt-0"]);
    expect(events.filter(({ type }) => type === "session_ended")).toHaveLength(1);
  });

  it("is over in other processes too: for one that starts, and for one that looks into the store", async () => {
    const session = open(client, { token: loginToken() });
    const holder = open(client);
    const rejected = await revoked(session);
    await holder.getToken();
    await failure(session.getToken({ rejected }));
    expect((await failure(open(client).getToken())).code).toBe("reauthentication_required");
    // Its own renewal begins a minute before the end at the latest; what it finds counts, although its token is valid.
    clock.pass(570_000);
    await holder.getToken();
    await settled();
    expect((await failure(holder.getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("is over for a process that holds a valid token when its record is gone", async () => {
    const session = open(client, { token: loginToken() });
    const holder = open(client);
    await session.getToken();
    await holder.getToken();
    await session.end();
    clock.pass(570_000);
    await holder.getToken();
    await settled();
    expect((await failure(holder.getToken())).code).toBe("reauthentication_required");
  });

  it("goes on with a valid token when only the renewal was refused, until the API refuses the token", async () => {
    const session = open(client, { token: loginToken() });
    const held = await revoked(session);
    clock.pass(570_000);
    await session.getToken();
    await settled();
    await session.getToken();
    expect(endpoint.received).toEqual(["rt-0"]);
    expect((await session.getToken()).value).toBe(held.value);
    expect((await open(client).getToken()).value).toBe(held.value);
    expect((await failure(session.getToken({ rejected: held }))).code).toBe("reauthentication_required");
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    expect((await failure(open(client).getToken())).code).toBe("reauthentication_required");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("drops the token of a session without a refresh token when the API refuses it", async () => {
    const { issuedAt, expiresAt } = loginToken();
    const session = open(client, { token: accessToken({ value: "at", issuedAt, expiresAt }) });
    const rejected = await session.getToken();
    expect((await failure(session.getToken({ rejected }))).code).toBe("reauthentication_required");
    expect((await failure(session.getToken())).code).toBe("reauthentication_required");
    expect((await failure(open(client).getToken())).code).toBe("reauthentication_required");
  });

  it("is healed by a new login, here and in every other process", async () => {
    const session = open(client, { token: loginToken() });
    const holder = open(client);
    const rejected = await revoked(session);
    await failure(session.getToken({ rejected }));
    await failure(holder.getToken());
    endpoint.valid = "rt-new";
    // A process whose clock is behind finishes it.
    await session.start(
      loginToken({ value: "at-new", refreshToken: "rt-new", issuedAt: clock.now() - 60_000 }),
    );
    expect((await session.getToken()).value).toBe("at-new");
    expect((await holder.getToken()).value).toBe("at-new");
    expect(deserializeToken(store.records.get(KEY)?.value ?? "").refreshToken).toBe("rt-new");
  });
});

describe("a new login of a session that goes on", () => {
  it("replaces the token held, and a renewal under way does not bring the old one back", async () => {
    const endpoint = new RotatingEndpoint();
    const session = open(sessionClient(endpoint, clock), { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let answer: (() => void) | undefined;
    endpoint.treat = () =>
      new Promise((resolve) => {
        answer = () => resolve("answers");
      });
    const waiting = session.getToken();
    await clock.advance(1);
    await session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
    answer?.();
    expect((await waiting).value).toBe("at-new");
    await clock.advance(5_000);
    expect((await session.getToken()).value).toBe("at-new");
    expect(deserializeToken(store.records.get(KEY)?.value ?? "").refreshToken).toBe("rt-new");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("gives up what could not be stored of the old one", async () => {
    const endpoint = new RotatingEndpoint();
    const session = open(sessionClient(endpoint, clock), { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    store.behave = (operation, count) => (operation === "write" && count > 2 ? "fails" : "works");
    expect((await session.getToken()).value).toBe("at-1");
    store.behave = () => "works";
    await session.start(loginToken({ value: "at-new", refreshToken: "rt-new" }));
    await clock.advance(20_000);
    expect(deserializeToken(store.records.get(KEY)?.value ?? "").refreshToken).toBe("rt-new");
    expect(store.isLocked(KEY)).toBe(false);
  });

  it("is refused by a session that was closed or ended, and stores nothing", async () => {
    for (const end of ["close", "end"] as const) {
      const session = open(sessionClient(new RotatingEndpoint(), clock));
      await session[end]();
      expect((await failure(session.start(loginToken()))).code).toBe("source_closed");
      expect(store.records.size).toBe(0);
    }
  });
});

describe("a successor that cannot be stored", () => {
  it("keeps its lock for as long as the store is down for writes, so nobody spends the old refresh token", async () => {
    const endpoint = new RotatingEndpoint();
    const client = sessionClient(endpoint, clock);
    const session = open(client, { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let isDown = false;
    endpoint.treat = () => {
      isDown = true;
      return "answers";
    };
    store.behave = (operation) => (isDown && operation === "write" ? "fails" : "works");
    expect((await session.getToken()).value).toBe("at-1");
    for (let minute = 0; minute < 5; minute += 1) {
      await clock.advance(60_000);
      expect(store.isLocked(KEY)).toBe(true);
    }
    isDown = false;
    await clock.advance(6_000);
    expect(store.isLocked(KEY)).toBe(false);
    expect((await open(client).getToken()).value).toBe("at-1");
    expect(endpoint.received).toEqual(["rt-0"]);
  });

  it("is saved by close when the store is back within the time of a call", async () => {
    const endpoint = new RotatingEndpoint();
    const session = open(sessionClient(endpoint, clock), { token: loginToken() });
    await session.getToken();
    clock.pass(599_000);
    let isDown = false;
    endpoint.treat = () => {
      isDown = true;
      return "answers";
    };
    store.behave = (operation) => (isDown && operation === "write" ? "fails" : "works");
    await session.getToken();
    const closed = session.close();
    await clock.advance(3_000);
    isDown = false;
    await clock.advance(1_000);
    await closed;
    expect(deserializeToken(store.records.get(KEY)?.value ?? "").refreshToken).toBe("rt-1");
    expect(clock.timers).toBe(0);
  });
});

it("puts the label of a source on each of its events", async () => {
  const session = open(sessionClient(new RotatingEndpoint(), clock), { token: loginToken(), label: "acme" });
  await session.getToken();
  await session.end();
  expect(events.length).toBeGreaterThan(2);
  expect(events.map(({ label }) => label)).toEqual(events.map(() => "acme"));
});
