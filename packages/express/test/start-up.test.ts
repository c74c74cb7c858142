import { memoryStore } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import type { RequestHandler } from "express";
import session from "express-session";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCEPT, type App, openApp, startTalkdesk, type TalkdeskStage } from "./support/app.js";
import { type Framework, frameworks, passing } from "./support/served.js";

let stage: TalkdeskStage;
beforeAll(async () => {
  stage = await startTalkdesk();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The app of the README, with sessions of a sort before or after the login. */
function open(
  framework: Framework,
  { before = [], after = [] }: { before?: RequestHandler[]; after?: RequestHandler[] },
): Promise<App> {
  const login = talkdeskLogin({
    client: stage.client(),
    redirectUri: "https://app.example.com/auth/callback",
    store: memoryStore(),
    contact: "help@example.com",
  });
  return openApp(framework, (app) => {
    for (const middleware of before) app.use(middleware);
    app.get(
      "/user",
      passing(async (request, response) => void response.json((await login.user(request)) ?? null)),
    );
    app.use("/login-alone", login);
    app.use(talkdesk(login.source));
    for (const middleware of after) app.use(middleware);
    app.use("/auth", login);
    app.get("/page", requireLogin(), (_request, response) => void response.send("a page"));
    app.use(talkdeskErrorHandler({ login: "/auth/login" }));
  });
}

const ADDRESSES = [
  ["GET", "/user"],
  ["GET", "/login-alone/login"],
  ["GET", "/login-alone/callback?state=s&code=c"],
  ["POST", "/login-alone/logout"],
  ["GET", "/auth/login"],
  ["GET", "/page"],
  ["GET", "/"],
] as const;

/** What the app's own error handler was told, for each of the addresses. */
async function told(app: App): Promise<Error[]> {
  for (const [method, path] of ADDRESSES) {
    const { status, text } = await app.ask(path, { method, headers: { accept: ACCEPT.chrome } });
    expect([path, status, text]).toEqual([path, 500, "unanswered"]);
  }
  expect(app.errors).toHaveLength(ADDRESSES.length);
  return app.errors as Error[];
}

const withSession =
  (value: unknown): RequestHandler =>
  (request, _response, next) => {
    Object.assign(request, { session: value });
    next();
  };

describe.each(frameworks)("an app without sessions, in %s,", (_name, framework) => {
  it("gets an error at the first request that says what is missing", async () => {
    await using app = await open(framework, {});
    for (const error of await told(app)) {
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain(
        "mount express-session, or similar middleware, before it with app.use()",
      );
    }
    expect(stage.talkdesk.requests.all).toEqual([]);
  });

  it("gets the error when sessions are mounted after the login", async () => {
    const late = session({ secret: "a secret", resave: false, saveUninitialized: false });
    await using app = await open(framework, { after: [late] });
    for (const error of await told(app)) {
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain("before it");
    }
  });

  it.each([[null], [undefined], ["a text"], [7]])(
    "gets the error when request.session is %j",
    async (value) => {
      await using app = await open(framework, { before: [withSession(value)] });
      for (const error of await told(app)) expect(error.message).toContain("A login needs sessions");
    },
  );

  it("gets the error, which names the store, when the store is disconnected", async () => {
    const store = new session.MemoryStore();
    const sessions = session({ secret: "a secret", resave: false, saveUninitialized: false, store });
    store.emit("disconnect");
    await using app = await open(framework, { before: [sessions] });
    for (const error of await told(app)) expect(error.message).toContain("its store is disconnected");
    store.emit("connect");
    expect((await app.ask("/auth/login", { headers: { accept: ACCEPT.chrome } })).status).toBe(302);
  });
});

describe.each(frameworks)("an app whose sessions live in a cookie, in %s,", (_name, framework) => {
  it.each([
    ["as those of cookie-session", { isNew: true, isChanged: false, isPopulated: false }],
    ["with a save alone", { save: () => {} }],
    ["with all but destroy", { save: () => {}, regenerate: () => {} }],
    ["with members that are no functions", { save: true, regenerate: true, destroy: true }],
  ])("%s, is told which it needs", async (_what, value) => {
    await using app = await open(framework, { before: [withSession(value)] });
    for (const error of await told(app)) {
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toContain("kept on the server and have regenerate, save and destroy");
    }
  });
});

describe.each(frameworks)("an app whose sessions have no secret, in %s,", (_name, framework) => {
  it("fails at every request with the error of express-session, and does not hang", async () => {
    // Who listens for deprecations is not written to.
    const quiet = (): void => {};
    process.on("deprecation" as "warning", quiet);
    try {
      const sessions = session({ resave: false, saveUninitialized: false } as session.SessionOptions);
      await using app = await open(framework, { before: [sessions] });
      for (const error of await told(app)) {
        expect(error.message).toBe("secret option required for sessions");
      }
    } finally {
      process.off("deprecation" as "warning", quiet);
    }
  });
});
