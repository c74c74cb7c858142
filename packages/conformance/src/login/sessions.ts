import { afterEach, describe, expect, it, vi } from "vitest";
import type { Browser } from "./browser.js";
import type { LoginPage } from "./login-driver.js";
import type { LoginStage, LoginSubject } from "./login-stage.js";
import {
  emailOf,
  grantsOf,
  NOBODY,
  openLoginStage,
  restartOf,
  sessionTexts,
  signOut,
  whoIs,
} from "./login-stage.js";

/** The contents of a browser's session, and when its id changes. */
export function describeSessions(subject: LoginSubject): void {
  const { holdsAppData } = subject.capabilities;
  afterEach(() => void vi.useRealTimers());

  describe("session fixation", () => {
    it("fails: a login gives the session another id, and the old one is dead", async () => {
      await using stage = await openLoginStage(subject);
      const attacker = stage.browser();
      await attacker.visit("/auth/login");
      const [name, fixed] = onlyCookie(attacker);
      const victim = stage.browser(attacker);
      await victim.signIn();
      expect(victim.cookies.get(name)).not.toBe(fixed);
      expect((await whoIs(victim)).isSignedIn).toBe(true);
      expect(await whoIs(attacker)).toEqual(NOBODY);
      expect((await attacker.visit("/me")).status).toBe(302);
      expect(sessionTexts(stage)).toHaveLength(1);
    });

    it("fails: an id that the app did not make is not taken up", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.visit("/auth/login");
      const [name, own] = onlyCookie(browser);
      const invented = own.replace(/[a-z]/g, "q");
      const victim = stage.browser();
      victim.cookies.set(name, invented);
      await victim.visit("/auth/login");
      expect(victim.cookies.get(name)).not.toBe(invented);
    });

    it("fails: a login that a stranger began in the session signs nobody in as the stranger", async () => {
      await using stage = await openLoginStage(subject, { emulator: { login: "page" } });
      const stranger = stage.browser();
      const trap = await toTalkdeskAs(stranger, 1);
      const victim = stage.browser(stranger);
      await victim.visit(await toTalkdeskAs(victim, 0));
      const { user } = await whoIs(victim);
      expect(user).not.toBeNull();

      const answer = await victim.visit(trap);
      expect([answer.status, answer.to]).toEqual([302, "/"]);
      expect((await whoIs(victim)).user).toEqual(user);
      expect(JSON.parse((await victim.visit("/me")).text).id).toBe(user?.sub);
      expect(grantsOf(stage)).toEqual(["authorization_code"]);
      expect(stage.tokens.records.size).toBe(1);
      expect((await stranger.visit(trap)).status).toBe(400);
      expect(await whoIs(stranger)).toEqual(NOBODY);
      expect(stage.errors).toEqual([]);
    });
  });

  it("with another id completes no login that was begun under the first id", async () => {
    await using stage = await openLoginStage(subject);
    const { sessions } = stage;
    const stranger = stage.browser();
    const trap = await stranger.toTalkdesk("?returnTo=/there");
    const [[strangersKey, data = ""] = []] = [...sessions.records];
    const victim = stage.browser();
    await victim.visit("/auth/login");
    const key = [...sessions.records.keys()].find((each) => each !== strangersKey);
    // As an app does that changes the id and keeps what the session holds.
    await sessions.restore(key ?? "", data);
    const page = await victim.visit(trap);
    expect([page.status, restartOf(page)]).toEqual([400, "?returnTo=%2Fthere"]);
    expect(await whoIs(victim)).toEqual(NOBODY);
    expect(grantsOf(stage)).toEqual([]);
  });

  it("belongs to the user who signed in last", async () => {
    await using stage = await openLoginStage(subject, { emulator: { login: "page" } });
    const browser = stage.browser();
    await browser.visit(await toTalkdeskAs(browser, 0));
    const { user: first } = await whoIs(browser);
    await browser.visit(await toTalkdeskAs(browser, 1));
    const { user: second } = await whoIs(browser);
    expect(second?.sub).not.toBe(first?.sub);
    expect(JSON.parse((await browser.visit("/me")).text).id).toBe(second?.sub);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("stays small and keeps the last ten, however many logins are begun", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    const callbacks: string[] = [];
    for (let count = 0; count < 50; count++) callbacks.push(await browser.toTalkdesk(`?returnTo=/${count}`));
    const [only = ""] = sessionTexts(stage);
    expect(only.length).toBeLessThan(3_000);
    expect(browser.cookies.size).toBe(1);
    expect(Math.max(...browser.cookieLines.map((line) => line.length))).toBeLessThan(250);
    expect((await browser.visit(callbacks[39] ?? "")).status).toBe(400);
    expect((await browser.visit(callbacks[40] ?? "")).to).toBe("/40");
    expect((await browser.visit(callbacks[49] ?? "")).to).toBe("/49");
  });

  it("takes less than 500 characters for one login that nobody completes", async () => {
    await using stage = await openLoginStage(subject);
    await stage.browser().visit("/auth/login?returnTo=/contacts");
    expect(sessionTexts(stage)).toHaveLength(1);
    expect(sessionTexts(stage)[0]?.length).toBeLessThan(500);
  });

  it("stays small, however long returnTo is, and forgets the oldest addresses first", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    const places = Array.from({ length: 10 }, (_, at) => `/${at}${"x".repeat(at === 9 ? 100 : 2_000)}`);
    const callbacks: string[] = [];
    for (const place of places) callbacks.push(await browser.toTalkdesk(`?returnTo=${place}`));
    expect(sessionTexts(stage)[0]?.length).toBeLessThan(5_000);
    expect((await browser.visit(callbacks[8] ?? "")).to).toBe("/");
    expect((await browser.visit(callbacks[9] ?? "")).to).toBe(places[9]);
  });

  it("forgets logins that were begun more than ten minutes ago", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.visit("/auth/login?returnTo=/old");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
    await browser.visit("/auth/login?returnTo=/young");
    const text = sessionTexts(stage).join();
    expect(text).toContain("/young");
    expect(text).not.toContain("/old");
  });

  it("has only names that stores of documents take", async () => {
    await using stage = await openLoginStage(subject, {
      login: { pkce: true },
      publicOrigin: "https://app.example.com",
    });
    const written: string[] = [];
    const { sessions } = stage;
    sessions.behave = () => void written.push(...sessions.records.values());
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/a.b/$c&talkdesk_installation_id=a.$b");
    expect((await browser.visit(callback)).to).toBe("/a.b/$c");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    written.push(...sessions.records.values());
    expect(written.length).toBeGreaterThan(2);
    for (const text of new Set(written)) checkNames(JSON.parse(text), "session");
  });

  describe("cookie", () => {
    it.each([
      [
        "changed in one character",
        (value: string) => value.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      ],
      ["cut", (value: string) => value.slice(0, 20)],
      ["empty", () => ""],
      ["another text", () => "s%3Aanything.signature"],
      ["as long as a state", () => "x".repeat(43)],
      ["of 12,000 characters", () => "x".repeat(12_000)],
      ["malformed percent-encoding", () => "%E0%A4%A"],
      ["the name of a prototype's member", () => "__proto__"],
    ])("that is %s belongs to nobody", async (_what, change) => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      const [name, value] = onlyCookie(browser);
      browser.cookies.set(name, change(value));
      expect((await browser.visit(callback)).status).toBe(400);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(grantsOf(stage)).toEqual([]);
      expect(stage.errors).toEqual([]);
    });

    it("is out of the reach of scripts and of requests from other sites", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      expect(browser.cookieLines.length).toBeGreaterThan(0);
      for (const line of browser.cookieLines) {
        expect(line).toMatch(/;\s*HttpOnly(;|$)/i);
        expect(line).toMatch(/;\s*SameSite=Lax(;|$)/i);
        expect(line).toMatch(/;\s*Path=\/(;|$)/i);
        expect(line).not.toMatch(/;\s*Domain=/i);
      }
    });
  });

  describe("behind a proxy that speaks TLS", () => {
    const forwarded = {
      "x-forwarded-proto": "https",
      "x-forwarded-host": "evil.example",
      host: "evil.example",
    };

    it("has a Secure cookie whose name begins with __Host-", async () => {
      await using stage = await openLoginStage(subject, {
        publicOrigin: "https://app.example.com",
        isSecure: true,
      });
      const browser = stage.browser();
      const begun = await browser.visit("/auth/login?returnTo=/there", { headers: forwarded });
      const back = (await browser.visit(begun.to ?? "")).to ?? "";
      expect((await browser.visit(back, { headers: forwarded })).to).toBe("/there");
      expect(browser.cookieLines.length).toBeGreaterThan(0);
      for (const line of browser.cookieLines) {
        expect(line).toMatch(/^__Host-/);
        expect(line).toMatch(/;\s*Secure(;|$)/i);
      }
    });

    it.each(["evil.example", "evil.example:8443", "[", "a b", "evil.example/path", "user@evil.example"])(
      "makes no address of the header Host: %s",
      async (host) => {
        await using stage = await openLoginStage(subject);
        const browser = stage.browser();
        const headers = { host, "x-forwarded-host": "evil.example" };
        const begun = await browser.visit("/auth/login?returnTo=/there", { headers });
        expect(`${JSON.stringify(begun.headers)}${begun.text}`).not.toContain("evil");
        // A server may refuse a malformed Host itself.
        if (begun.status === 400) return;
        const redirectUri = new URL(begun.to ?? "").searchParams.get("redirect_uri");
        expect(redirectUri).toBe(`${stage.origin}/auth/callback`);
        const back = (await browser.visit(begun.to ?? "")).to ?? "";
        expect((await browser.visit(back, { headers })).to).toBe("/there");
        expect((await browser.visit("/me", { headers })).status).toBe(200);
        const failed = await stage.browser().visit("/auth/callback", { headers });
        expect(failed.text).not.toContain("evil");
        const protectedPage = await stage.browser().visit("/me", { headers });
        expect(protectedPage.to).toBe("/auth/login?returnTo=%2Fme");
        expect((await browser.visit("/auth/logout", { method: "POST", headers })).to).toBe("/");
      },
    );
  });

  describe("of an app with data of its own", () => {
    const cart = { items: [1, 2], at: "1970-01-01T00:00:00.000Z" };
    const names = ["userId", "cart", "nothing", "isAdmin"];
    const pages: readonly LoginPage[] = [
      {
        path: "/own-login",
        isProtected: false,
        async answer({ data = {} }) {
          Object.assign(data, {
            userId: "ada",
            cart: { items: [1, 2], at: new Date(0) },
            nothing: undefined,
          });
          return { status: 200, body: null };
        },
      },
      {
        path: "/own-data",
        isProtected: false,
        async answer({ data = {} }) {
          const found = names.filter((name) => data[name] !== undefined).map((name) => [name, data[name]]);
          return { status: 200, body: Object.fromEntries(found) };
        },
      },
    ];
    const ownData = async (browser: Browser): Promise<unknown> =>
      JSON.parse((await browser.visit("/own-data")).text);
    const openWith = async (
      keepSession: boolean | readonly string[] | undefined,
    ): Promise<readonly [LoginStage, Browser]> => {
      const stage = await openLoginStage(subject, {
        pages,
        login: keepSession === undefined ? {} : { keepSession },
      });
      const browser = stage.browser();
      await browser.visit("/own-login");
      expect(await ownData(browser)).toEqual({ userId: "ada", cart });
      const before = [...browser.cookies.values()];
      expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
      expect([...browser.cookies.values()]).not.toEqual(before);
      expect((await whoIs(browser)).isSignedIn).toBe(true);
      expect(sessionTexts(stage)).toHaveLength(1);
      return [stage, browser];
    };

    it.skipIf(!holdsAppData).each([
      [undefined, {}],
      [false, {}],
      [[], {}],
      [true, { userId: "ada", cart }],
      [["userId"], { userId: "ada" }],
      [
        ["userId", "cart", "missing", "cookie", "talkdeskLogins", "id", "save", "__proto__"],
        { userId: "ada", cart },
      ],
    ] as const)("keeps over a login, with keepSession %j, %j", async (keepSession, kept) => {
      const [stage, browser] = await openWith(keepSession);
      await using _end = stage;
      expect(await ownData(browser)).toEqual(kept);
    });

    it.skipIf(!holdsAppData)("keeps it over a second login, too", async () => {
      const [stage, browser] = await openWith(true);
      await using _end = stage;
      await browser.signIn();
      expect(await ownData(browser)).toEqual({ userId: "ada", cart });
      expect(await emailOf(browser)).toMatch(/@/);
      expect(stage.tokens.records.size).toBe(1);
      expect(stage.errors).toEqual([]);
    });

    it.skipIf(!holdsAppData)("keeps nothing over a logout", async () => {
      const [stage, browser] = await openWith(true);
      await using _end = stage;
      await signOut(browser);
      expect(sessionTexts(stage)).toEqual([]);
      expect(await ownData(browser)).toEqual({});
    });

    it.skipIf(!holdsAppData)("holds nothing that a stranger has planted after a login", async () => {
      await using stage = await openLoginStage(subject, { pages });
      const attacker = stage.browser();
      await attacker.visit("/own-login");
      const victim = stage.browser(attacker);
      await victim.signIn();
      expect(await ownData(victim)).toEqual({});
      expect(await ownData(attacker)).toEqual({});
    });
  });
}

/** The name and the value of the session's cookie. */
function onlyCookie({ cookies }: Browser): readonly [string, string] {
  expect(cookies.size).toBe(1);
  const [[name = "", value = ""] = []] = [...cookies];
  return [name, value];
}

/** Begins a login as one of the users on Talkdesk's page. Gives the address that the browser is sent back to. */
async function toTalkdeskAs(browser: Browser, place: 0 | 1): Promise<string> {
  const begun = await browser.visit("/auth/login");
  const { text } = await browser.visit(begun.to ?? "");
  const users = [...text.matchAll(/name="user" value="(\w+)"/g)].map(([, id]) => id ?? "");
  const address = new URL(begun.to ?? "");
  address.searchParams.set("login_hint", users[place] ?? "");
  return (await browser.visit(address.href)).to ?? "";
}

/** MongoDB and Firestore refuse these names, or give them back changed. */
function checkNames(value: unknown, path: string): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, member] of Object.entries(value)) {
    expect(name, path).not.toMatch(/^$|[.$\0]|^__.*__$/);
    if (!Array.isArray(value)) expect(name in Object.prototype, `${path}/${name}`).toBe(false);
    checkNames(member, `${path}/${name}`);
  }
}
