import type { TalkdeskError } from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginStage, type LoginStageOptions, openLoginStage, whoIs } from "./login-stage.js";
import { frameworks } from "./served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("a handler in the place of the error page in %s", (_name, framework) => {
  it("answers what has failed", async () => {
    const told: TalkdeskError[] = [];
    await open({
      framework,
      login: {
        onError(error, request, response) {
          told.push(error);
          response.status(418).json({ code: error.code, path: request.path });
        },
      },
    });
    const page = await stage.browser().visit("/auth/callback?state=none&code=c");
    expect([page.status, JSON.parse(page.text)]).toEqual([
      418,
      { code: "state_mismatch", path: "/callback" },
    ]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(told).toHaveLength(1);
    expect(stage.errors).toEqual([]);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("the handler's own");
      },
    ],
    [
      "rejects",
      async () => {
        throw new Error("the handler's own");
      },
    ],
    [
      "hands on",
      (_error: unknown, _request: unknown, _response: unknown, next: (error: unknown) => void) =>
        next(new Error("the handler's own")),
    ],
  ] as const)("that %s is the app's to answer for", async (_how, onError) => {
    await open({ framework, login: { onError } });
    const page = await stage.browser().visit("/auth/callback");
    expect([page.status, page.text]).toEqual([500, "unanswered"]);
    expect(stage.errors).toEqual([expect.objectContaining({ message: "the handler's own" })]);
  });

  it("that rejects with nothing does not let the request pass", async () => {
    await open({ framework, login: { onError: () => Promise.reject(undefined) } });
    expect((await stage.browser().visit("/auth/callback")).status).toBe(500);
    expect(stage.errors).toEqual([expect.any(Error)]);
  });

  it("may hand the error itself on", async () => {
    await open({ framework, login: { onError: (error, _request, _response, next) => next(error) } });
    expect(
      (await stage.browser().visit("/auth/callback", { headers: { accept: "application/json" } })).status,
    ).toBe(502);
  });
});

describe("the error page", () => {
  it.each([
    ["help@example.com", '<a href="mailto:help@example.com">help@example.com</a>'],
    ["https://example.com/help?a=1&b=2", '<a href="https://example.com/help?a=1&amp;b=2">'],
    ['Extension 4711, <b>Ada</b> & "Bob"', "Extension 4711, &lt;b&gt;Ada&lt;/b&gt; &amp; &quot;Bob&quot;"],
    ["javascript:alert(1)", "contact javascript:alert(1)."],
  ])("names who helps: %s", async (contact, shown) => {
    await open({ login: { contact } });
    const page = await stage.browser().visit("/auth/callback");
    expect(page.text).toContain(shown);
    expect(page.text).not.toMatch(/<b>|href="javascript/);
  });

  it("carries on to where the person was going, escaped", async () => {
    await open();
    const browser = stage.browser();
    const callback = await browser.toTalkdesk(
      `?returnTo=${encodeURIComponent('/a"><script>alert(1)</script>')}`,
    );
    const page = await browser.visit(callback.replace(/code=[^&]+/, "error=access_denied"));
    expect(page.status).toBe(403);
    expect(page.text).not.toContain("<script");
    const [, link = ""] = /<a href="login([^"]*)"/.exec(page.text) ?? [];
    expect((await browser.signIn(link.replaceAll("&amp;", "&"))).to).toBe(
      "/a%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    );
  });
});

describe("an ID token", () => {
  it.each([
    ["that is of another login", "nonce_mismatch", 400, { nonce: "another" }],
    ["that is not signed by Talkdesk", "id_token_invalid", 502, undefined],
  ])("%s signs nobody in", async (_what, code, status, claims) => {
    await open();
    const browser = stage.browser();
    if (claims !== undefined) {
      const callback = await browser.toTalkdesk();
      const other = new URL(await browser.toTalkdesk(), stage.origin).searchParams.get("code");
      const page = await browser.visit(callback.replace(/code=[^&]+/, `code=${other}`));
      expect([page.status, /Code: (\w+)/.exec(page.text)?.[1]]).toEqual([status, code]);
    } else {
      stage.talkdesk.faults.add({
        at: "token",
        patch: (body) => ({ ...body, id_token: String(body["id_token"]).replace(/.{20}$/, "A".repeat(20)) }),
      });
      const page = await browser.signIn();
      expect([page.status, /Code: (\w+)/.exec(page.text)?.[1]]).toEqual([status, code]);
    }
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect(stage.tokens.records.size).toBe(0);
  });
});
