import { memoryStore, type TokenStore } from "@talkdesk-oauth/core";
import { type OpenSession, storedSession } from "@talkdesk-oauth/login";
import { afterEach, describe, expect, it, vi } from "vitest";

afterEach(() => void vi.useRealTimers());

const NAME = "__Host-talkdesk-session";
const DAY_MS = 86_400_000;

interface Browser {
  cookie: string | undefined;
  /** The `Set-Cookie` lines received, in order. */
  readonly lines: string[];
  /** Opens the session of a request that sends a cookie. Default: that of the answers before. */
  request(cookie?: string): OpenSession;
  receive(answer: Response): void;
  /** Sends a request that writes records. */
  keep(records: Record<string, unknown>): Promise<void>;
}

function openBrowser(store: TokenStore = memoryStore()): Browser {
  const openSession = storedSession({ store });
  const browser: Browser = {
    cookie: undefined,
    lines: [],
    request(cookie = browser.cookie) {
      return openSession(
        new Request("https://app.example.com/", cookie === undefined ? {} : { headers: { cookie } }),
      );
    },
    receive(answer) {
      for (const line of answer.headers.getSetCookie()) {
        browser.lines.push(line);
        browser.cookie = line.slice(0, line.indexOf(";"));
      }
    },
    async keep(records) {
      const { session, commit } = browser.request();
      await session.read();
      await session.write(records);
      browser.receive(commit(new Response()));
    },
  };
  return browser;
}

const signedIn = { login: { pending: [], signIn: { key: "k".repeat(43) } } };

describe("a stored session", () => {
  it("is found by the cookie that its first write sets", async () => {
    const browser = openBrowser();
    expect(await browser.request().session.read()).toBeUndefined();
    await browser.keep({ one: 1 });
    expect(browser.lines).toEqual([
      expect.stringMatching(/^__Host-talkdesk-session=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Lax$/),
    ]);
    expect(await browser.request().session.read()).toEqual({ one: 1 });
    await browser.keep({ two: 2 });
    expect(browser.lines).toHaveLength(1);
    expect(await browser.request().session.read()).toEqual({ two: 2 });
  });

  it("has a name without prefix, and no Secure, where it is told so", async () => {
    const store = memoryStore();
    const { session, commit } = storedSession({ store, secure: false })(new Request("http://localhost/"));
    await session.write({});
    expect(commit(new Response()).headers.get("set-cookie")).toMatch(
      /^talkdesk-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
  });

  it("is in the store under a name that does not tell its id", async () => {
    const keys: string[] = [];
    const store = memoryStore();
    const browser = openBrowser({
      ...store,
      write(key, ...rest) {
        keys.push(key);
        return store.write(key, ...rest);
      },
    });
    await browser.keep({});
    const id = browser.cookie?.slice(NAME.length + 1) ?? "";
    expect(keys).toEqual([expect.stringMatching(/^session:[\w-]{43}$/)]);
    expect(keys[0]).not.toContain(id);
  });

  it.each([
    ["was never made here", `${NAME}=${"a".repeat(43)}`],
    ["is too short", `${NAME}=a`],
    ["is empty", `${NAME}=`],
  ])("is never opened under an id that %s", async (_what, cookie) => {
    const browser = openBrowser();
    browser.cookie = cookie;
    await browser.keep({ mine: true });
    expect(browser.cookie).not.toBe(cookie);
    expect(await browser.request(cookie).session.read()).toBeUndefined();
    expect(await browser.request().session.read()).toEqual({ mine: true });
  });

  it("is not written under an id whose session has ended meanwhile", async () => {
    const browser = openBrowser();
    await browser.keep({ one: 1 });
    const { cookie } = browser;
    await browser.request().session.drop();
    await browser.keep({ two: 2 });
    expect(browser.cookie).not.toBe(cookie);
    expect(await browser.request(cookie).session.read()).toBeUndefined();
  });

  it("has another id once renewed, and the old one is gone", async () => {
    const browser = openBrowser();
    await browser.keep({ one: 1 });
    const { cookie } = browser;
    const { session, commit } = browser.request();
    await session.read();
    const before = session.id;
    await session.renew({ two: 2 }, false);
    expect(session.id).not.toBe(before);
    browser.receive(commit(new Response()));
    expect(await browser.request(cookie).session.read()).toBeUndefined();
    expect(await browser.request().session.read()).toEqual({ two: 2 });
  });

  it("loses its cookie when it is dropped, unless the browser never had one", async () => {
    const browser = openBrowser();
    await browser.keep({ one: 1 });
    const { session, commit } = browser.request();
    await session.drop();
    expect(commit(new Response()).headers.get("set-cookie")).toBe(
      `${NAME}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax`,
    );
    const other = openBrowser().request();
    await other.session.drop();
    expect(other.commit(new Response()).headers.get("set-cookie")).toBeNull();
  });

  it.each(["write", "renew"] as const)(
    "refuses to %s over what another request has written since it was read",
    async (member) => {
      const browser = openBrowser();
      await browser.keep({ one: 1 });
      const [slow, fast] = [browser.request(), browser.request()];
      await slow.session.read();
      await fast.session.read();
      await fast.session.write({ fast: true });
      await expect(slow.session[member]({ slow: true }, false)).rejects.toMatchObject({
        code: "session_changed",
      });
      expect(await browser.request().session.read()).toEqual({ fast: true });
      // Read again, it can be changed.
      await slow.session.read();
      await slow.session[member]({ slow: true }, false);
    },
  );

  it("is not renewed twice by two requests that have read the same", async () => {
    const browser = openBrowser();
    await browser.keep({ one: 1 });
    const [first, second] = [browser.request(), browser.request()];
    await first.session.read();
    await second.session.read();
    await first.session.renew({ first: true }, false);
    await expect(second.session.renew({ second: true }, false)).rejects.toMatchObject({
      code: "session_changed",
    });
    expect(await second.session.read()).toBeUndefined();
  });

  it.each([
    ["an hour when nobody is signed in", { login: { pending: [] } }, 3_600_000],
    ["30 days when somebody is", signedIn, 30 * DAY_MS],
  ])("ends after %s", async (_what, records, lifetimeMs) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const browser = openBrowser();
    await browser.keep(records);
    vi.setSystemTime(Date.now() + lifetimeMs);
    expect(await browser.request().session.read()).toBeUndefined();
  });

  it("goes on for as long as somebody uses it, with one write a day", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const store = memoryStore();
    let writes = 0;
    const browser = openBrowser({
      ...store,
      write(...args) {
        writes += 1;
        return store.write(...args);
      },
    });
    await browser.keep(signedIn);
    for (let day = 0; day < 40; day++) {
      vi.setSystemTime(Date.now() + DAY_MS + 1);
      for (const _request of [1, 2, 3]) {
        expect(await browser.request().session.read()).toEqual(signedIn);
      }
    }
    expect(writes).toBe(41);
    vi.setSystemTime(Date.now() + 30 * DAY_MS);
    expect(await browser.request().session.read()).toBeUndefined();
  });

  it.each(["", "x", "null", "[]", "{}", '{"at":1}', '{"at":1,"records":null}'])(
    "that reads %j in its store is absent",
    async (text) => {
      const store = memoryStore();
      const browser = openBrowser({ ...store, write: (key, _value, rest) => store.write(key, text, rest) });
      await browser.keep({ one: 1 });
      expect(await browser.request().session.read()).toBeUndefined();
    },
  );

  it("that its store cannot read is removed", async () => {
    const store = memoryStore();
    let isCorrupt = false;
    const browser = openBrowser({
      ...store,
      async read(key) {
        if (isCorrupt) throw Object.assign(new Error("unreadable"), { code: "store_corrupt" });
        return store.read(key);
      },
    });
    await browser.keep({ one: 1 });
    isCorrupt = true;
    expect(await browser.request().session.read()).toBeUndefined();
    isCorrupt = false;
    expect(await browser.request().session.read()).toBeUndefined();
  });

  it("rejects while its store is down", async () => {
    const store = memoryStore();
    const down = async () => {
      throw new Error("the store is down");
    };
    const browser = openBrowser({ ...store, read: down });
    browser.cookie = `${NAME}=${"a".repeat(43)}`;
    await expect(browser.request().session.read()).rejects.toThrow("the store is down");
  });

  it("leaves the answer that it is given unchanged, and keeps what is in it", async () => {
    const { session, commit } = openBrowser().request();
    const untouched = new Response("text");
    expect(commit(untouched)).toBe(untouched);
    await session.write({});
    const given = new Response("text", { status: 201, headers: { "Set-Cookie": "other=1", "X-Own": "yes" } });
    const answer = commit(given);
    expect(given.headers.getSetCookie()).toEqual(["other=1"]);
    expect(answer.headers.getSetCookie()).toEqual(["other=1", expect.stringContaining(NAME)]);
    expect([answer.status, answer.headers.get("x-own"), await answer.text()]).toEqual([201, "yes", "text"]);
    const redirect = commit(Response.redirect("https://app.example.com/there", 302));
    expect([redirect.status, redirect.headers.get("location")]).toEqual([
      302,
      "https://app.example.com/there",
    ]);
  });

  it.each([
    ["no store", {}],
    ["what is no store", { store: new Map() }],
    ["an unknown option", { store: memoryStore(), cookie: "name" }],
    ["a text for secure", { store: memoryStore(), secure: "no" }],
  ])("cannot be made with %s", (_what, options) => {
    expect(() => storedSession(options as never)).toThrow(TypeError);
  });
});
