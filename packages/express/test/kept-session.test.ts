import type { TalkdeskLoginOptions } from "@talkdesk-oauth/express";
import { afterEach, describe, expect, it } from "vitest";
import type { Browser } from "./support/browser.js";
import { type LoginStage, openLoginStage, sessionsOf, whoIs } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
afterEach(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("an app with users of its own, in %s,", (_name, framework) => {
  const open = async (keepSession?: TalkdeskLoginOptions["keepSession"]): Promise<Browser> => {
    stage = await openLoginStage({
      framework,
      ...(keepSession !== undefined && { login: { keepSession } }),
      place: (app, login) => {
        app.get("/own-login", (request, response) => {
          Object.assign(request.session, {
            userId: "ada",
            cart: { items: [1, 2], at: new Date(0) },
            __proto__: { isAdmin: true },
            nothing: undefined,
          });
          response.end();
        });
        app.get("/own-data", ({ session }, response) => {
          const {
            cookie: _cookie,
            talkdeskLogins: _logins,
            ...data
          } = session as unknown as Record<string, unknown>;
          response.json(data);
        });
        app.use("/auth", login);
      },
    });
    const browser = stage.browser();
    await browser.visit("/own-login");
    const before = [...browser.cookies.values()];
    expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
    expect([...browser.cookies.values()]).not.toEqual(before);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(sessionsOf(stage)).toHaveLength(1);
    return browser;
  };
  const ownData = async (browser: Browser): Promise<unknown> =>
    JSON.parse((await browser.visit("/own-data")).text);
  const cart = { items: [1, 2], at: "1970-01-01T00:00:00.000Z" };

  it.each([
    [undefined, {}],
    [false, {}],
    [[], {}],
    [true, { userId: "ada", cart }],
    [["userId"], { userId: "ada" }],
    [
      ["userId", "cart", "missing", "cookie", "talkdeskLogins", "id", "save", "__proto__"],
      { userId: "ada", cart },
    ],
  ] as const)("keeps of its session over a login, with keepSession %j, %j", async (keepSession, kept) => {
    expect(await ownData(await open(keepSession))).toEqual(kept);
  });

  it("has the member of another login, and the cookie's settings, left alone", async () => {
    const browser = await open(true);
    await browser.signIn();
    expect(await ownData(browser)).toEqual({ userId: "ada", cart });
    expect(stage.tokens.records.size).toBe(1);
    const [session] = sessionsOf(stage) as { cookie: object; talkdeskLogins: object }[];
    expect(Object.keys(session?.talkdeskLogins ?? {})).toHaveLength(1);
    expect(stage.errors).toEqual([]);
  });

  it("keeps nothing over a logout", async () => {
    const browser = await open(true);
    await browser.visit("/auth/logout", { method: "POST" });
    expect(sessionsOf(stage)).toEqual([]);
    expect(await ownData(browser)).toEqual({});
  });
});
