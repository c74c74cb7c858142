import session from "express-session";
import { afterEach, describe, expect, it } from "vitest";
import { grantsOf, type LoginStage, type LoginStageOptions, openLoginStage } from "./support/login-stage.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

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
    expect(String(told[0])).toContain("an app that trusts the proxy");
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
