import session from "express-session";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Browser } from "./support/browser.js";
import {
  grantsOf,
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  sessionsOf,
} from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(async () => {
  vi.useRealTimers();
  await stage[Symbol.asyncDispose]();
});

const isSignedIn = async (browser: Browser): Promise<boolean> =>
  JSON.parse((await browser.visit("/")).text).isSignedIn;

describe("the session", () => {
  it("has another id after a login, and the old one is dead", async () => {
    await open();
    const [attacker, victim] = [stage.browser(), stage.browser()];
    await attacker.visit("/remember?text=planted");
    const [[name = "", fixed = ""] = []] = [...attacker.cookies];
    victim.cookies.set(name, fixed);
    await victim.signIn();
    expect(victim.cookies.get(name)).not.toBe(fixed);
    expect(await isSignedIn(victim)).toBe(true);
    expect(await isSignedIn(attacker)).toBe(false);
    expect((await attacker.visit("/me")).status).toBe(302);
    expect((await victim.visit("/remembered")).text).toBe("null");
    expect(sessionsOf(stage)).toHaveLength(1);
  });

  it("holds nothing of the user before when another signs in", async () => {
    await open({ emulator: { login: "page" } });
    const browser = stage.browser();
    const signInAs = async (user: string): Promise<void> => {
      const begun = await browser.visit("/auth/login");
      const address = new URL(begun.to ?? "");
      address.searchParams.set("login_hint", user);
      await browser.visit((await browser.visit(address.href)).to ?? "");
    };
    const { text } = await browser.visit((await browser.visit("/auth/login")).to ?? "");
    const [first = "", second = ""] = [...text.matchAll(/name="user" value="(\w+)"/g)].map(
      ([, id]) => id ?? "",
    );
    await signInAs(first);
    await browser.visit("/remember?text=of+the+first");
    await signInAs(second);
    expect((await browser.visit("/remembered")).text).toBe("null");
    expect(JSON.parse((await browser.visit("/")).text).user.sub).toBe(second);
    expect(JSON.parse((await browser.visit("/me")).text).id).toBe(second);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("stays small, however many logins are left unfinished", async () => {
    await open();
    const browser = stage.browser();
    const callbacks: string[] = [];
    for (let count = 0; count < 50; count++) callbacks.push(await browser.toTalkdesk(`?returnTo=/${count}`));
    const [only] = sessionsOf(stage);
    expect(JSON.stringify(only).length).toBeLessThan(3_000);
    expect(browser.cookies.size).toBe(1);
    expect(Math.max(...browser.cookieLines.map((line) => line.length))).toBeLessThan(200);
    // The ten that were begun last can be finished.
    expect((await browser.visit(callbacks[39] ?? "")).status).toBe(400);
    expect((await browser.visit(callbacks[40] ?? "")).to).toBe("/40");
    expect((await browser.visit(callbacks[49] ?? "")).to).toBe("/49");
  });

  it("holds little of a login that nobody completes", async () => {
    await open();
    await stage.browser().visit("/auth/login?returnTo=/contacts");
    const [only] = sessionsOf(stage);
    expect(JSON.stringify(only).length).toBeLessThan(500);
  });

  it("stays small, however long the addresses are that strangers ask for, and drops the oldest first", async () => {
    await open();
    const browser = stage.browser();
    const places = Array.from({ length: 10 }, (_, at) => `/${at}${"x".repeat(at === 9 ? 100 : 2_000)}`);
    const callbacks: string[] = [];
    for (const place of places) callbacks.push(await browser.toTalkdesk(`?returnTo=${place}`));
    const [only] = sessionsOf(stage);
    expect(JSON.stringify(only).length).toBeLessThan(5_000);
    expect((await browser.visit(callbacks[8] ?? "")).to).toBe("/");
    expect((await browser.visit(callbacks[9] ?? "")).to).toBe(places[9]);
  });

  it("forgets logins that are too old", async () => {
    await open();
    const browser = stage.browser();
    await browser.visit("/auth/login?returnTo=/old");
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11 * 60_000 });
    await browser.visit("/auth/login?returnTo=/young");
    const text = JSON.stringify(sessionsOf(stage));
    expect(text).toContain("/young");
    expect(text).not.toContain("/old");
  });
});

describe("a session's cookie", () => {
  it("is accepted with a secret that is still known, and refused with one that is not", async () => {
    const sessions = new session.MemoryStore();
    await open({ sessions, session: { secret: "the first secret" } });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const before = stage;
    const cookies = [...browser.cookies];

    const reopened = async (secret: string[]): Promise<number> => {
      await using after = await openLoginStage({
        sessions,
        session: { secret },
        publicOrigin: before.origin,
        client: { endpoints: before.talkdesk.endpoints(), authentication: before.client.authentication },
      });
      const again = after.browser();
      for (const [name, value] of cookies) again.cookies.set(name, value);
      return (await again.visit(callback)).status;
    };
    expect(await reopened(["the third secret"])).toBe(400);
    expect(grantsOf(before)).toEqual([]);
    expect(await reopened(["the second secret", "the first secret"])).toBe(302);
    expect(grantsOf(before)).toEqual(["authorization_code"]);
  });

  it.each([
    ["tampered with", (value: string) => value.replace(/.$/, (last) => (last === "A" ? "B" : "A"))],
    ["cut", (value: string) => value.slice(0, 20)],
    ["empty", () => ""],
    ["another text", () => "s%3Aanything.signature"],
    ["the state of a login", () => "x".repeat(43)],
    ["huge", () => "x".repeat(12_000)],
    ["not to be decoded", () => "%E0%A4%A"],
  ])("that is %s is nobody's", async (_what, change) => {
    await open();
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    const [[name = "", value = ""] = []] = [...browser.cookies];
    browser.cookies.set(name, change(value));
    expect((await browser.visit(callback)).status).toBe(400);
    expect(await isSignedIn(browser)).toBe(false);
    expect(grantsOf(stage)).toEqual([]);
    expect(stage.errors).toEqual([]);
  });

  it("that was set twice, once by a sub-domain, signs nobody in as somebody else", async () => {
    await open();
    const [browser, stranger] = [stage.browser(), stage.browser()];
    await browser.signIn();
    const [[name = "", value = ""] = []] = [...browser.cookies];
    for (const cookie of [`${name}=s%3Atossed.x; ${name}=${value}`, `${name}=; ${name}=${value}`]) {
      expect(JSON.parse((await stranger.visit("/", { headers: { cookie } })).text).isSignedIn).toBe(false);
    }
  });

  it("has the attributes that the app gave it, on every answer of the login", async () => {
    await open({ session: { name: "portal", cookie: { httpOnly: true, sameSite: "lax", path: "/" } } });
    const browser = stage.browser();
    await browser.signIn();
    expect(browser.cookieLines).toHaveLength(2);
    for (const line of browser.cookieLines) {
      expect(line).toMatch(/^portal=[^;]+; Path=\/; HttpOnly; SameSite=Lax$/);
    }
  });
});

describe("behind a proxy that speaks TLS", () => {
  const secure = { cookie: { httpOnly: true, sameSite: "lax", secure: true, path: "/" } } as const;
  const forwarded = {
    "x-forwarded-proto": "https",
    "x-forwarded-host": "evil.example",
    host: "evil.example",
  };

  it.each(frameworks)("cookies are Secure and prefixed with trust proxy, in %s", async (_name, framework) => {
    await open({
      framework,
      publicOrigin: "https://app.example.com",
      session: { name: "__Host-app", ...secure },
      before: (app) => void app.set("trust proxy", 1),
    });
    const browser = stage.browser();
    const begun = await browser.visit("/auth/login?returnTo=/there", { headers: forwarded });
    const toTalkdesk = new URL(begun.to ?? "");
    expect(toTalkdesk.searchParams.get("redirect_uri")).toBe("https://app.example.com/auth/callback");
    const back = new URL((await browser.visit(toTalkdesk.href)).to ?? "");
    expect(back.origin).toBe("https://app.example.com");
    const done = await browser.visit(`${back.pathname}${back.search}`, { headers: forwarded });
    expect(done.to).toBe("/there");
    for (const line of browser.cookieLines) {
      expect(line).toMatch(/^__Host-app=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
    }
    expect(browser.cookieLines).toHaveLength(2);
  });

  it("a Secure cookie that is not set without trust proxy fails with words for it", async () => {
    const told: unknown[] = [];
    await open({
      publicOrigin: "https://app.example.com",
      session: secure,
      login: {
        onError: (error, _request, response) => {
          told.push(error);
          response.status(400).end();
        },
      },
    });
    const browser = stage.browser();
    const begun = await browser.visit("/auth/login", { headers: forwarded });
    const back = new URL((await browser.visit(begun.to ?? "")).to ?? "");
    expect((await browser.visit(`${back.pathname}${back.search}`, { headers: forwarded })).status).toBe(400);
    expect(told).toEqual([expect.objectContaining({ code: "state_mismatch" })]);
    expect(String(told[0])).toContain("trust proxy");
  });

  it("the address comes from the configuration without trust proxy, too", async () => {
    await open({ publicOrigin: "https://app.example.com", session: { proxy: true, ...secure } });
    const browser = stage.browser();
    const begun = await browser.visit("/auth/login", { headers: forwarded });
    expect(begun.to).toContain(encodeURIComponent("https://app.example.com/auth/callback"));
    expect(begun.to).not.toContain("evil");
    const back = new URL((await browser.visit(begun.to ?? "")).to ?? "");
    const done = await browser.visit(`${back.pathname}${back.search}`, { headers: forwarded });
    expect([done.status, done.to]).toEqual([302, "/"]);
  });
});
