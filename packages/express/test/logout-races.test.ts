import { afterEach, describe, expect, it } from "vitest";
import type { Browser } from "./support/browser.js";
import {
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  openSecondStage,
  sessionsOf,
  whoIs,
} from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

/** Something that ends when a test says so. */
interface Gate {
  readonly isReached: Promise<void>;
  pass(): Promise<void>;
  open(): void;
}

function gate(): Gate {
  let reach = (): void => {};
  let open = (): void => {};
  const isReached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const isOpen = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    isReached,
    pass: () => {
      reach();
      return isOpen;
    },
    open,
  };
}

/** A page that takes as long as a test wants, and changes the session at its end. */
const slowPage = (slow: Gate): Pick<LoginStageOptions, "place"> => ({
  place: (app, login) => {
    app.use("/auth", login);
    app.get("/slow", (request, response, next) => {
      slow.pass().then(() => {
        Object.assign(request.session, { touchedBy: "a slow page" });
        response.json({ hasSource: Boolean(request.talkdesk) });
      }, next);
    });
  },
});

const signOut = (browser: Browser) => browser.visit("/auth/logout", { method: "POST" });

describe.each(frameworks)("a request that runs beside a logout in %s", (_name, framework) => {
  it.each([
    ["as recommended", {}],
    ["with resave", { resave: true }],
    ["with rolling cookies", { rolling: true, cookie: { maxAge: 60_000 } }],
    ["with resave, rolling and all that is new", { resave: true, rolling: true, saveUninitialized: true }],
    ["with unset: destroy", { unset: "destroy" }],
  ] as const)("and stores the session again signs nobody in, %s", async (_what, options) => {
    const slow = gate();
    await open({ framework, session: options, ...slowPage(slow) });
    const browser = stage.browser();
    await browser.signIn();
    const running = browser.visit("/slow");
    await slow.isReached;
    await signOut(browser);
    slow.open();
    expect((await running).status).toBe(200);
    expect(JSON.stringify(sessionsOf(stage))).toContain("a slow page");
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect((await browser.visit("/me")).status).toBe(302);
    expect((await browser.visit("/auth/callback?code=c&state=s")).status).toBe(400);
    expect(stage.tokens.records.size).toBe(0);
    expect((await browser.signIn()).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
  });
});

describe("a request whose client is still looked up when its user signs out", () => {
  it("has no tokens, and does not fail", async () => {
    await open();
    const browser = stage.browser();
    await browser.signIn();
    const lookUp = gate();
    await using other = await openSecondStage(stage, {
      isLoginFirst: true,
      login: {
        async client() {
          await lookUp.pass();
          return stage.client;
        },
      },
    });
    const there = other.browser();
    for (const [name, value] of browser.cookies) there.cookies.set(name, value);
    const running = whoIs(there);
    await lookUp.isReached;
    await signOut(there);
    lookUp.open();
    expect((await running).isSignedIn).toBe(false);
    expect(other.errors).toEqual([]);
  });
});

describe("a login that is being completed", () => {
  it.each([
    ["with resave, rolling and all that is new", { resave: true, rolling: true, saveUninitialized: true }],
    ["with unset: destroy", { unset: "destroy" }],
  ] as const)("in two tabs at once leaves one sign-in, and both go on, %s", async (_what, options) => {
    await open({ session: options });
    const browser = stage.browser();
    const callbacks = [
      await browser.toTalkdesk("?returnTo=/first"),
      await browser.toTalkdesk("?returnTo=/second"),
    ];
    const both = gate();
    let waiting = 0;
    stage.tokens.behave = (operation) => {
      if (operation !== "write") return undefined;
      waiting += 1;
      if (waiting === 2) both.open();
      return both.pass();
    };
    const pages = await Promise.all(callbacks.map((callback) => browser.visit(callback)));
    expect(pages.map(({ to }) => to)).toEqual(["/first", "/second"]);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(JSON.parse((await browser.visit("/me")).text).email).toMatch(/@/);
    expect(stage.tokens.records.size).toBe(1);
    expect(JSON.stringify(sessionsOf(stage)).match(/"signIn"/g)).toHaveLength(1);
    expect(stage.errors).toEqual([]);
  });
});

describe("a callback that waits behind something else", () => {
  /** Holds the callback that says so, after its session was read. */
  const holding = (held: Gate): Pick<LoginStageOptions, "place"> => ({
    place: (app, login) => {
      app.use("/auth", (request, _response, next) => {
        if (request.query["held"] === undefined) next();
        else held.pass().then(() => next(), next);
      });
      app.use("/auth", login);
    },
  });

  it.each([
    ["another tab is signed in", true],
    ["the browser is signed out", false],
  ])("goes on to where it was, without an exchange, when %s meanwhile", async (_what, isSignedIn) => {
    const held = gate();
    await open(holding(held));
    const browser = stage.browser();
    await browser.signIn();
    const [first, second] = [
      await browser.toTalkdesk("?returnTo=/first"),
      await browser.toTalkdesk("?returnTo=/second"),
    ];
    const waiting = browser.visit(`${second}&held=1`);
    await held.isReached;
    if (isSignedIn) expect((await browser.visit(first)).to).toBe("/first");
    else await signOut(browser);
    stage.talkdesk.requests.clear();
    held.open();
    const page = await waiting;
    expect([page.to, page.headers["set-cookie"]]).toEqual(["/second", undefined]);
    expect(stage.talkdesk.requests.to("token")).toEqual([]);
    expect((await whoIs(browser)).isSignedIn).toBe(isSignedIn);
    expect(stage.tokens.records.size).toBe(isSignedIn ? 1 : 0);
  });
});
