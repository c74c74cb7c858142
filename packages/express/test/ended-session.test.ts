import { TalkdeskError } from "@talkdesk-oauth/core";
import { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { describe, expect, it } from "vitest";
import { ACCEPT, type App } from "./support/app.js";
import { openFailing } from "./support/failing-app.js";
import { frameworks } from "./support/served.js";

const browser = { headers: { accept: ACCEPT.firefox } };

describe.each(frameworks)("the page of a session that has ended, in %s,", (_name, framework) => {
  const open = (options?: TalkdeskErrorHandlerOptions): Promise<App> =>
    openFailing(
      framework,
      ({ path }) => new TalkdeskError(path === "/down" ? "token_network" : "source_closed", "failed"),
      options,
    );

  it("has no link without the option login", async () => {
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

  it("is the only error page with a link to the login", async () => {
    await using app = await open({ login: "/auth/login" });
    expect((await app.ask("/down", browser)).text).not.toContain("<a ");
    expect((await app.ask("/page")).text).not.toContain("/auth/login");
  });

  it.each(["//evil.example", "auth/login", "", "javascript:x", 7, null])("refuses the login %j", (login) => {
    expect(() => talkdeskErrorHandler({ login } as TalkdeskErrorHandlerOptions)).toThrow(
      new TypeError('login must be the address of the login, such as "/auth/login".'),
    );
  });
});
