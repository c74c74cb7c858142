import { expect, it } from "vitest";
import { ACCEPT } from "./browser.js";
import type { LoginSubject } from "./login-stage.js";
import { openLoginStage, sessionTexts } from "./login-stage.js";

/** Pages behind `requireLogin()`, for a browser in which nobody is signed in. */
export function describeProtectedPages(subject: LoginSubject): void {
  it.each(["chrome", "firefox", "safari"] as const)("redirects %s to the login, and back", async (name) => {
    await using stage = await openLoginStage(subject);
    for (const method of ["GET", "HEAD"]) {
      const { status, to, headers } = await stage
        .browser()
        .visit("/me?a=1&b=%26%20", { method, headers: { accept: ACCEPT[name] } });
      expect([status, to]).toEqual([302, "/auth/login?returnTo=%2Fme%3Fa%3D1%26b%3D%2526%2520"]);
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers.vary).toMatch(/\baccept\b/i);
      expect(headers["www-authenticate"]).toBeUndefined();
    }
    expect(sessionTexts(stage)).toEqual([]);
  });

  it.each([
    ["curl, and fetch", ACCEPT.anything],
    ["a program that takes JSON", ACCEPT.json],
    ["axios", ACCEPT.axios],
    ["a program that knows problem details", ACCEPT.problem],
    ["a picture on a page", ACCEPT.image],
    ["a client that prefers JSON", "text/html;q=0.8, application/json"],
    ["a client that prefers problem details", "text/html;q=0.8, application/problem+json"],
    ["a client with a malformed Accept", ";;;"],
    ["a client without Accept", undefined],
  ])("answers %s with 401 and problem details", async (_who, accept) => {
    await using stage = await openLoginStage(subject);
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      const { status, headers, text } = await stage.browser().visit("/me", { method, headers: { accept } });
      expect([method, status]).toEqual([method, 401]);
      expect(headers).toMatchObject({
        "content-type": "application/problem+json",
        "www-authenticate": 'Bearer realm="Talkdesk"',
        "cache-control": "no-store",
        vary: expect.stringMatching(/\baccept\b/i),
      });
      expect(headers.location).toBeUndefined();
      expect(JSON.parse(text)).toEqual({
        status: 401,
        title: "Unauthorized",
        detail: "You are not signed in. Sign in first.",
      });
    }
  });

  it("answers HEAD of a program with the same head and no body", async () => {
    await using stage = await openLoginStage(subject);
    const { status, headers, text } = await stage
      .browser()
      .visit("/me", { method: "HEAD", headers: { accept: ACCEPT.anything } });
    expect([status, text]).toEqual([401, ""]);
    expect(headers["www-authenticate"]).toBe('Bearer realm="Talkdesk"');
    expect(headers["content-type"]).toBe("application/problem+json");
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"])(
    "answers a browser's %s with 401 and a page to sign in from, which does not lead back",
    async (method) => {
      await using stage = await openLoginStage(subject);
      const { status, headers, text } = await stage.browser().visit("/me?a=1", { method });
      expect(status).toBe(401);
      expect(headers["content-type"]).toMatch(/^text\/html; ?charset=utf-8$/i);
      expect(headers).toMatchObject({
        "www-authenticate": 'Bearer realm="Talkdesk"',
        "cache-control": "no-store",
        vary: expect.stringMatching(/\baccept\b/i),
      });
      expect(text).toContain("<h1>Sign in first</h1>");
      expect(text).toContain('<a href="/auth/login">Sign in</a>');
    },
  );

  it.each<Record<string, string>>([
    { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "same-origin", "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "same-origin" },
    { "sec-fetch-dest": "empty" },
  ])("answers a script that loads a page with a page, and no redirect: %j", async (headers) => {
    await using stage = await openLoginStage(subject);
    const { status, to, text } = await stage.browser().visit("/me", { headers });
    expect([status, to]).toEqual([401, undefined]);
    expect(text).toContain('<a href="/auth/login">Sign in</a>');
  });

  it.each<Record<string, string>>([
    { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none" },
    { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" },
    { "sec-fetch-mode": "navigate" },
    { "sec-fetch-site": "same-origin" },
    // The fetch of Node sends it, whatever it is used for.
    { "sec-fetch-mode": "cors" },
  ])("redirects what may be a page that a person opens: %j", async (headers) => {
    await using stage = await openLoginStage(subject);
    const { status, to } = await stage.browser().visit("/me", { headers });
    expect([status, to]).toEqual([302, "/auth/login?returnTo=%2Fme"]);
  });

  it("does not lead back to an address of more than 2,048 characters", async () => {
    await using stage = await openLoginStage(subject);
    const longest = `/me?${"x".repeat(2_044)}`;
    const kept = await stage.browser().visit(longest);
    expect(kept.to).toBe(`/auth/login?returnTo=${encodeURIComponent(longest)}`);
    const { status, to } = await stage.browser().visit(`${longest}x`);
    expect([status, to]).toEqual([302, "/auth/login"]);
  });

  it("hands the installation of a launch on, and does not judge it", async () => {
    await using stage = await openLoginStage(subject);
    const parametersOf = async (path: string, method = "GET"): Promise<URLSearchParams> => {
      const { to, text } = await stage.browser().visit(path, { method });
      const address = to ?? /href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      return new URL(address ?? "", stage.origin).searchParams;
    };
    const launch = "/me?talkdesk_installation_id=a%26b&talkdesk_user_id=u";
    expect([...(await parametersOf(launch))]).toEqual([
      ["returnTo", launch],
      ["talkdesk_installation_id", "a&b"],
    ]);
    expect([...(await parametersOf(launch, "POST"))]).toEqual([["talkdesk_installation_id", "a&b"]]);
    const twice = await parametersOf("/me?talkdesk_installation_id=a&talkdesk_installation_id=b");
    expect(twice.getAll("talkdesk_installation_id")).toEqual(["a", "b"]);
    const listed = await parametersOf("/me?talkdesk_installation_id[]=a");
    expect(listed.has("talkdesk_installation_id")).toBe(false);
    const rest = `&rest=${"x".repeat(2_048)}`;
    expect([...(await parametersOf(`/me?talkdesk_installation_id=a${rest}`))]).toEqual([
      ["talkdesk_installation_id", "a"],
    ]);
    const long = encodeURIComponent("é".repeat(400));
    expect([...(await parametersOf(`/me?talkdesk_installation_id=${long}${rest}`))]).toEqual([]);
  });

  it("writes nothing into a redirect or a page but an address", async () => {
    await using stage = await openLoginStage(subject);
    const path = "/me?q=%22%3E%3Cscript%3E&r=%0d%0aSet-Cookie:%20a=b&talkdesk_installation_id=%22%3E%3Cb%3E";
    const redirect = await stage.browser().visit(path);
    expect(redirect.headers["set-cookie"]).toBeUndefined();
    expect(new URL(redirect.to ?? "", stage.origin).searchParams.get("returnTo")).toBe(path);
    const page = await stage.browser().visit(path, { method: "POST" });
    expect(page.status).toBe(401);
    expect(`${redirect.text}${page.text}`).not.toMatch(/<script|<b>/);
  });
}
