import { createHash } from "node:crypto";
import { TalkdeskError } from "@talkdesk-oauth/core";
import { requireLogin, talkdesk, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ACCEPT, type App, openApp } from "./support/app.js";
import { type LoginStage, openLoginStage } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

interface Shown {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

describe.each(frameworks)("every page for a person whose request failed, in %s,", (_name, framework) => {
  let app: App;
  let stage: LoginStage;
  const pages: Shown[] = [];
  beforeAll(async () => {
    app = await openApp(framework, (app) => {
      app.use((_request, response, next) => {
        response.set({ "Content-Security-Policy": "default-src *", "Content-Type": "text/plain" });
        next();
      });
      app.post(
        "/page",
        talkdesk(() => undefined),
        requireLogin(),
      );
      app.use(({ path }, _response, next) => {
        next(new TalkdeskError(path === "/ended" ? "source_closed" : "lock_timeout", "failed"));
      });
      app.use(talkdeskErrorHandler({ login: "/auth/login" }));
    });
    stage = await openLoginStage({ framework });
    const headers = { accept: ACCEPT.safari };
    pages.push(
      await app.ask("/page", { method: "POST", headers }),
      await app.ask("/ended", { headers }),
      await app.ask("/busy", { headers }),
      await stage.browser().visit("/auth/callback"),
      await stage.browser().visit("/auth/login", { method: "POST" }),
    );
  });
  afterAll(async () => {
    await app[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  it("is one", () => {
    expect(pages.map(({ status }) => status)).toEqual([401, 401, 503, 400, 405]);
    for (const { headers } of pages) expect(headers["content-type"]).toBe("text/html; charset=utf-8");
  });

  it("has a policy that allows its own style and nothing else", () => {
    for (const { headers, text } of pages) {
      const [, style = ""] = /<style>([^<]+)<\/style>/.exec(text) ?? [];
      const hash = createHash("sha256").update(style).digest("base64");
      expect(headers["content-security-policy"]).toBe(
        `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
      );
      expect(headers["x-content-type-options"]).toBe("nosniff");
      expect(headers["cache-control"]).toBe("no-store");
      expect(text).not.toMatch(
        /<(script|link|img|iframe|form|object|base)\b|\bstyle=|\bon\w+=|url\(|@import/i,
      );
    }
  });

  it("can be read by anybody: aloud, on a phone, in the dark", () => {
    for (const { text } of pages) {
      expect(text).toMatch(/^<!doctype html>\n<html lang="en">\n/);
      expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
      expect(text).toContain("color-scheme:light dark");
      const [, title] = /<title>([^<]+)<\/title>/.exec(text) ?? [];
      expect(text.match(/<h1>[^<]+<\/h1>/g)).toEqual([`<h1>${title}</h1>`]);
      expect(text.match(/<main>/g)).toHaveLength(1);
    }
  });

  it("is not for search engines", () => {
    for (const { text } of pages) expect(text).toContain('<meta name="robots" content="noindex">');
  });
});
