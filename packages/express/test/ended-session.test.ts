import { TalkdeskError } from "@talkdesk-oauth/core";
import { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ACCEPT, type App } from "./support/app.js";
import { openFailing } from "./support/failing-app.js";
import { grantsOf, type LoginStage, openLoginStage } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

const browser = { headers: { accept: ACCEPT.firefox } };

describe.each(frameworks)("the page of a session that has ended, in %s,", (_name, framework) => {
  const open = (options?: TalkdeskErrorHandlerOptions): Promise<App> =>
    openFailing(
      framework,
      ({ path }) => new TalkdeskError(path === "/down" ? "token_network" : "source_closed", "failed"),
      options,
    );

  it("has no link when no login is known", async () => {
    await using app = await open();
    const { status, text } = await app.ask("/page", browser);
    expect(status).toBe(401);
    expect(text).toContain("<h1>Your session has ended</h1>");
    expect(text).not.toContain("<a ");
  });

  it("links to the login, and back to what can be read again", async () => {
    await using app = await open({ login: "/auth/login?tenant=a" });
    const linkOf = async (method: string, path = "/page?a=1"): Promise<string | undefined> =>
      /<a href="([^"]+)">Sign in again<\/a>/.exec((await app.ask(path, { ...browser, method })).text)?.[1];
    expect(await linkOf("GET")).toBe("/auth/login?tenant=a&amp;returnTo=%2Fpage%3Fa%3D1");
    expect(await linkOf("POST")).toBe("/auth/login?tenant=a");
    expect(await linkOf("GET", "/page?talkdesk_installation_id=i")).toBe(
      "/auth/login?tenant=a&amp;returnTo=%2Fpage%3Ftalkdesk_installation_id%3Di&amp;talkdesk_installation_id=i",
    );
  });

  it("is the only one with that link", async () => {
    await using app = await open({ login: "/auth/login" });
    expect((await app.ask("/down", browser)).text).not.toContain("<a ");
    expect((await app.ask("/page")).text).not.toContain("/auth/login");
  });

  it.each(["//evil.example", "auth/login", "", "javascript:x", 7, null])("has no login at %j", (login) => {
    expect(() => talkdeskErrorHandler({ login } as TalkdeskErrorHandlerOptions)).toThrow(
      new TypeError('login must be the address of the login, such as "/auth/login".'),
    );
  });
});

describe.each(frameworks)("a user whose tokens are revoked, in %s,", (_name, framework) => {
  let stage: LoginStage;
  afterEach(async () => {
    vi.useRealTimers();
    await stage[Symbol.asyncDispose]();
  });

  it("is told to sign in again, in words for who asks, and can", async () => {
    stage = await openLoginStage({ framework });
    const visitor = stage.browser();
    await visitor.signIn();
    stage.talkdesk.tokens.revoke();
    const page = await visitor.visit("/me");
    expect(page.status).toBe(401);
    expect(page.text).toContain("<h1>Your session has ended</h1>");
    const problem = await visitor.visit("/me", { headers: { accept: ACCEPT.anything } });
    expect(problem.status).toBe(401);
    expect(problem.headers["www-authenticate"]).toBe('Bearer realm="Talkdesk"');
    expect(JSON.parse(problem.text)).toMatchObject({ status: 401, code: "reauthentication_required" });
    expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
    expect((await visitor.signIn("?returnTo=/me")).to).toBe("/me");
    expect((await visitor.visit("/me")).status).toBe(200);
    expect(stage.errors).toEqual([]);
  });

  it("is led to the login by the first page, and back to it, and sends nothing more to the API until then", async () => {
    stage = await openLoginStage({ framework, errorHandler: { login: "/auth/login" } });
    const visitor = stage.browser();
    await visitor.signIn();
    expect((await visitor.visit("/me")).status).toBe(200);
    stage.talkdesk.tokens.revoke();
    const page = await visitor.visit("/me?a=1");
    expect([page.status, page.to]).toEqual([302, "/auth/login?returnTo=%2Fme%3Fa%3D1"]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(page.headers.vary).toMatch(/^Accept\b/);
    const calls = stage.talkdesk.requests.to("api").length;

    // In every later page, too, and for whatever else asks.
    expect((await visitor.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
    const navigation = await visitor.visit("/me", { headers: { "sec-fetch-dest": "document" } });
    expect(navigation.to).toBe("/auth/login?returnTo=%2Fme");
    const script = await visitor.visit("/me", { headers: { "sec-fetch-dest": "empty" } });
    expect([script.status, script.to]).toEqual([401, undefined]);
    expect(script.text).toContain('<a href="/auth/login">Sign in again</a>');
    const program = await visitor.visit("/me", { headers: { accept: ACCEPT.json } });
    expect([program.status, program.to]).toEqual([401, undefined]);
    expect(JSON.parse(program.text)).toMatchObject({ status: 401, code: "reauthentication_required" });
    expect(stage.talkdesk.requests.to("api")).toHaveLength(calls);

    expect((await visitor.signIn("?returnTo=/me%3Fa%3D1")).to).toBe("/me?a=1");
    expect((await visitor.visit("/me?a=1")).status).toBe(200);
    expect(stage.errors).toEqual([]);
  });

  it("is shown a page after three logins that did not help, in place of a loop", async () => {
    const begunAt = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now: begunAt });
    stage = await openLoginStage({ framework, errorHandler: { login: "/auth/login" } });
    const visitor = stage.browser();
    for (let login = 1; login <= 2; login++) {
      await visitor.signIn("?returnTo=/me");
      stage.talkdesk.tokens.revoke();
      expect([login, (await visitor.visit("/me")).to]).toEqual([login, "/auth/login?returnTo=%2Fme"]);
    }
    await visitor.signIn("?returnTo=/me");
    stage.talkdesk.tokens.revoke();
    const page = await visitor.visit("/me");
    expect([page.status, page.to]).toEqual([401, undefined]);
    expect(page.text).toContain('<a href="/auth/login?returnTo=%2Fme">Sign in again</a>');
    vi.setSystemTime(begunAt + 60_000);
    expect((await visitor.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
  });
});
