import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { granting, settled, stage, VirtualClock } from "./support/lifecycle-fixture.js";
import { RotatingEndpoint, sessionClient, TestStore } from "./support/session-fixture.js";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

async function heapUsed(): Promise<number> {
  for (let round = 0; round < 3; round += 1) {
    await settled();
    collectGarbage();
  }
  return process.memoryUsage().heapUsed;
}

/** A token as long as the service's own: a signed JWT of 1 KB. */
const tokenText = (index: number): string => `${String(index).padStart(8, "0")}${"x".repeat(1_016)}`;

describe("memory", () => {
  const SOURCES = 20_000;
  /** The most memory for one tenant: client, credentials, source and token, with 1 KB for the token's text. */
  const MOST_BYTES = 3_584;

  it("of one source with its own client and a token is bounded, for twenty thousand tenants", async () => {
    let asked = 0;
    const fetch = async (): Promise<Response> => {
      asked += 1;
      return Response.json({ access_token: tokenText(asked), token_type: "bearer", expires_in: 599 });
    };
    const tenant = (index: number): ClosableTokenSource =>
      clientCredentials(
        talkdeskClient({
          account: `tenant-${index}`,
          authentication: clientSecretBasic({ clientId: `id-${index}`, clientSecret: `secret-${index}` }),
          fetch,
        }),
      );
    // Makes everything that a process makes only once, so that it is not counted for a source.
    await tenant(0).getToken();
    const before = await heapUsed();
    const sources: ClosableTokenSource[] = [];
    for (let index = 1; index <= SOURCES; index += 1) {
      const source = tenant(index);
      sources.push(source);
      await source.getToken();
    }
    const perSource = ((await heapUsed()) - before) / SOURCES;
    expect(asked).toBe(SOURCES + 1);
    expect(perSource).toBeGreaterThan(1_000);
    expect(perSource).toBeLessThan(MOST_BYTES);

    await Promise.all(sources.map((source) => source.close()));
    const closed = ((await heapUsed()) - before) / SOURCES;
    // The token's text, at the least, is gone although the sources are still there.
    expect(perSource - closed).toBeGreaterThan(1_000);
    expect(sources).toHaveLength(SOURCES);
  });

  it("does not grow with calls, renewals, refusals and failures", async () => {
    let calls = 0;
    const { clock, client, endpoint } = stage();
    const source = clientCredentials({
      ...client,
      async fetch() {
        calls += 1;
        return calls % 3 === 0
          ? Response.json({ error: "invalid_scope" }, { status: 400 })
          : Response.json({ access_token: tokenText(calls), token_type: "bearer", expires_in: 599 });
      },
    });
    const { signal } = new AbortController();
    const live = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const rejected = await source.getToken({ signal }).catch(() => undefined);
        if (rejected !== undefined) await source.getToken({ rejected, signal }).catch(() => {});
        clock.pass(400_000);
      }
    };
    await live(500);
    const before = await heapUsed();
    await live(3_000);
    // A third of what one kept token of every round would be; compiled code and caches grow for a while.
    expect((await heapUsed()) - before).toBeLessThan(1_000_000);
    expect(calls).toBeGreaterThan(3_000);
    expect(endpoint.calls).toHaveLength(0);
  });

  it.each([
    ["it was replaced", (source: ClosableTokenSource) => source.getToken()],
    ["its source was closed", (source: ClosableTokenSource) => source.close()],
  ])("of a token is given back once %s", async (_, end) => {
    const { source, clock } = stage({ onCall: granting() });
    const held = new WeakRef(await source.getToken());
    await heapUsed();
    expect(held.deref()).toBeDefined();
    clock.pass(600_000);
    await end(source);
    await heapUsed();
    expect(held.deref()).toBeUndefined();
  });

  describe("of a user's session", () => {
    const KEY = "session";
    const clock = new VirtualClock();
    const store = new TestStore(clock);

    /** The tokens that the session holds or held, and what was written of them. */
    async function used(session: UserSession): Promise<WeakRef<AccessToken>[]> {
      const refs: WeakRef<AccessToken>[] = [];
      const held = await session.getToken();
      refs.push(new WeakRef(held));
      refs.push(new WeakRef(await session.getToken({ rejected: held })));
      return refs;
    }

    const login = (): AccessToken =>
      accessToken({
        value: "at-login",
        refreshToken: "rt-0",
        issuedAt: clock.now(),
        expiresAt: clock.now() + 599_000,
      });

    it.each(["close", "end"] as const)("is given back by %s, its login and its renewals", async (finish) => {
      store.behave = () => "works";
      store.records.clear();
      const client = sessionClient(new RotatingEndpoint(), clock);
      const session = userSession(client, { store, key: KEY, token: login() });
      const refs = await used(session);
      await heapUsed();
      expect(refs.at(-1)?.deref()).toBeDefined();
      await session[finish]();
      await heapUsed();
      expect(refs.map((ref) => ref.deref())).toEqual([undefined, undefined]);
      await expect(session.getToken()).rejects.toMatchObject({ code: "source_closed" });
    });

    it.each(["close", "end"] as const)("that was never stored is given back by %s", async (finish) => {
      store.behave = () => "works";
      const client = sessionClient(new RotatingEndpoint(), clock);
      const ref = new WeakRef(login());
      const session = userSession(client, { store, key: KEY, token: ref.deref() as AccessToken });
      await heapUsed();
      expect(ref.deref()).toBeDefined();
      await session[finish]();
      await heapUsed();
      expect(ref.deref()).toBeUndefined();
      await expect(session.getToken()).rejects.toMatchObject({ code: "source_closed" });
    });

    it("that a store did not take is given back by close when its time is up", async () => {
      store.behave = (operation) => (operation === "write" ? "fails" : "works");
      store.records.clear();
      const client = sessionClient(new RotatingEndpoint(), clock);
      const ref = new WeakRef(login());
      const session = userSession(client, { store, key: KEY, token: ref.deref() as AccessToken });
      const given = await session.getToken().then(({ value }) => value);
      expect(given).toBe("at-login");
      const closed = session.close();
      await clock.advance(11_000);
      await closed;
      await heapUsed();
      expect(ref.deref()).toBeUndefined();
      expect(clock.timers).toBe(0);
      await expect(session.getToken()).rejects.toMatchObject({ code: "source_closed" });
    });
  });
});
