import type { TokenSource } from "@talkdesk-oauth/core";
import { type RequireLoginOptions, requireLogin, talkdesk } from "@talkdesk-oauth/express";
import { type Express, Router } from "express";
import { describe, expect, it } from "vitest";
import { ACCEPT, type App, openApp } from "./support/app.js";
import { frameworks } from "./support/served.js";

const source: TokenSource = { api: "https://api.example.com", getToken: () => Promise.reject() };
const navigation = { accept: ACCEPT.chrome };

describe.each(frameworks)("requireLogin() in %s", (_name, framework) => {
  /** An app whose pages are for those who are signed in, which the header `x-user` says. */
  const open = (options?: RequireLoginOptions): Promise<App> =>
    openApp(framework, (app) => {
      app.use(talkdesk((request) => (request.get("x-user") === undefined ? undefined : source)));
      protect(app, options);
    });

  function protect(app: Express, options?: RequireLoginOptions): void {
    const inner = framework();
    const router = Router();
    app.use("/router", router.use(requireLogin(options)));
    app.use("/app", inner.use(requireLogin(options)));
    app.use(requireLogin(options));
    app.use((_request, response) => void response.send("a page"));
  }

  it("lets those pass who have tokens, whatever they would like to read", async () => {
    await using app = await open();
    for (const accept of Object.values(ACCEPT)) {
      for (const method of ["GET", "POST"]) {
        const answer = await app.ask("/page", { method, headers: { accept, "x-user": "somebody" } });
        expect([answer.status, answer.text]).toEqual([200, "a page"]);
      }
    }
  });

  it.each(["chrome", "firefox", "safari"] as const)("sends %s to the login, and back", async (name) => {
    await using app = await open();
    for (const method of ["GET", "HEAD"]) {
      const { status, headers } = await app.ask("/page?a=1&b=%26%20", {
        method,
        headers: { accept: ACCEPT[name] },
      });
      expect(status).toBe(302);
      expect(headers.location).toBe("/auth/login?returnTo=%2Fpage%3Fa%3D1%26b%3D%2526%2520");
      expect(headers["cache-control"]).toBe("no-store");
      expect(headers.vary).toMatch(/^Accept\b/);
      expect(headers["www-authenticate"]).toBeUndefined();
    }
  });

  it.each([
    ["curl, and fetch", ACCEPT.anything],
    ["a program that takes JSON", ACCEPT.json],
    ["axios", ACCEPT.axios],
    ["who knows problem details", ACCEPT.problem],
    ["a picture on a page", ACCEPT.image],
    ["who would rather have JSON", "text/html;q=0.8, application/json"],
    ["who would rather have problem details", "text/html;q=0.8, application/problem+json"],
    ["who says nothing", undefined],
    ["who says nonsense", ";;;"],
  ])("answers %s with 401 and problem details", async (_who, accept) => {
    await using app = await open();
    for (const method of ["GET", "POST", "PUT", "DELETE"]) {
      const { status, headers, text } = await app.ask("/page", { method, headers: accept ? { accept } : {} });
      expect(status).toBe(401);
      expect(headers).toMatchObject({
        "content-type": "application/problem+json",
        "www-authenticate": 'Bearer realm="Talkdesk"',
        "cache-control": "no-store",
        vary: "Accept",
      });
      expect(headers.location).toBeUndefined();
      expect(JSON.parse(text)).toEqual({
        status: 401,
        title: "Unauthorized",
        detail: "You are not signed in. Sign in first.",
      });
    }
  });

  it("answers HEAD of a program with the same head and nothing else", async () => {
    await using app = await open();
    const { status, headers, text } = await app.ask("/page", { method: "HEAD" });
    expect([status, text]).toEqual([401, ""]);
    expect(headers["www-authenticate"]).toBe('Bearer realm="Talkdesk"');
    expect(headers["content-type"]).toBe("application/problem+json");
  });

  it.each(["POST", "PUT", "PATCH", "DELETE"])(
    "answers a browser's %s with 401 and a page to sign in from, which does not lead back",
    async (method) => {
      await using app = await open();
      const { status, headers, text } = await app.ask("/page?a=1", { method, headers: navigation });
      expect(status).toBe(401);
      expect(headers).toMatchObject({
        "content-type": "text/html; charset=utf-8",
        "www-authenticate": 'Bearer realm="Talkdesk"',
        "cache-control": "no-store",
        vary: "Accept",
      });
      expect(text).toContain("<h1>Sign in first</h1>");
      expect(text).toContain('<a href="/auth/login">Sign in</a>');
    },
  );

  it.each([
    { "sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "same-origin", "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image", "sec-fetch-site": "same-origin" },
    { "sec-fetch-dest": "empty" },
  ])(
    "answers a script that loads a page with a page and no redirect that it could not follow: %j",
    async (said) => {
      await using app = await open();
      const headers = { ...navigation, ...(said as Record<string, string>) };
      const { status, headers: answered, text } = await app.ask("/page", { headers });
      expect([status, answered.location]).toEqual([401, undefined]);
      expect(text).toContain('<a href="/auth/login">Sign in</a>');
    },
  );

  it.each([
    { "sec-fetch-mode": "navigate", "sec-fetch-dest": "document", "sec-fetch-site": "none" },
    { "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe", "sec-fetch-site": "cross-site" },
    { "sec-fetch-mode": "navigate" },
    { "sec-fetch-site": "same-origin" },
    // Node's fetch says so of itself, whatever it is used for.
    { "sec-fetch-mode": "cors" },
  ])("sends to the login what may be a page that somebody opens: %j", async (said) => {
    await using app = await open();
    const headers = { ...navigation, ...(said as Record<string, string>) };
    const opened = await app.ask("/page", { headers });
    expect([opened.status, opened.headers.location]).toEqual([302, "/auth/login?returnTo=%2Fpage"]);
  });

  it("leads back to the whole address from a router and from an app within the app", async () => {
    await using app = await open();
    for (const path of ["/router/page?a=1", "/app/page?a=1"]) {
      const { headers } = await app.ask(path, { headers: navigation });
      expect(headers.location).toBe(`/auth/login?returnTo=${encodeURIComponent(path)}`);
    }
  });

  it.each([
    ["/sign-in", "/sign-in?returnTo=%2Fpage"],
    ["/sign-in?tenant=a", "/sign-in?tenant=a&returnTo=%2Fpage"],
    ["https://login.example.com/auth/login", "https://login.example.com/auth/login?returnTo=%2Fpage"],
    ["http://localhost:3000/login", "http://localhost:3000/login?returnTo=%2Fpage"],
  ])("sends browsers to the login at %s", async (login, location) => {
    await using app = await open({ login });
    expect((await app.ask("/page", { headers: navigation })).headers.location).toBe(location);
    const page = await app.ask("/page", { method: "POST", headers: navigation });
    expect(page.text).toContain(`<a href="${login}">Sign in</a>`);
  });

  it("does not lead back to an address that is too long for another address", async () => {
    await using app = await open();
    const longest = `/${"x".repeat(2_047)}`;
    const kept = await app.ask(longest, { headers: navigation });
    expect(kept.headers.location).toBe(`/auth/login?returnTo=${encodeURIComponent(longest)}`);
    const { status, headers } = await app.ask(`${longest}x`, { headers: navigation });
    expect([status, headers.location]).toEqual([302, "/auth/login"]);
  });

  it("hands the installation of a launch on, and leaves it to the login whether it is one", async () => {
    await using app = await open();
    const locationOf = async (path: string, method = "GET"): Promise<URLSearchParams> => {
      const { headers, text } = await app.ask(path, { method, headers: navigation });
      const address = headers.location ?? /href="([^"]+)"/.exec(text)?.[1]?.replaceAll("&amp;", "&");
      return new URL(address ?? "", app.origin).searchParams;
    };
    const launch = "/page?talkdesk_installation_id=a%26b&talkdesk_user_id=u";
    expect([...(await locationOf(launch))]).toEqual([
      ["returnTo", launch],
      ["talkdesk_installation_id", "a&b"],
    ]);
    expect([...(await locationOf(launch, "POST"))]).toEqual([["talkdesk_installation_id", "a&b"]]);
    const twice = await locationOf("/page?talkdesk_installation_id=a&talkdesk_installation_id=b");
    expect(twice.getAll("talkdesk_installation_id")).toEqual(["a", "b"]);
    expect((await locationOf("/page?talkdesk_installation_id[]=a")).has("talkdesk_installation_id")).toBe(
      false,
    );
    const rest = `&rest=${"x".repeat(2_048)}`;
    expect([...(await locationOf(`/page?talkdesk_installation_id=a${rest}`))]).toEqual([
      ["talkdesk_installation_id", "a"],
    ]);
    expect([...(await locationOf(`/page?talkdesk_installation_id=${"é".repeat(400)}${rest}`))]).toEqual([]);
  });

  it("writes into a redirect and a page nothing that could be more than an address", async () => {
    await using app = await open({ login: "/login?x='\"<b>&y" });
    const path = "/page?q=%22%3E%3Cscript%3E&r=%0d%0aSet-Cookie:%20a=b";
    const redirect = await app.ask(path, { headers: navigation });
    expect(redirect.headers["set-cookie"]).toBeUndefined();
    expect(new URL(redirect.headers.location ?? "", app.origin).searchParams.get("returnTo")).toBe(path);
    const page = await app.ask(path, { method: "POST", headers: navigation });
    expect(page.text).toContain('href="/login?x=&#39;&quot;&lt;b&gt;&amp;y"');
    expect(`${redirect.text}${page.text}`).not.toMatch(/<script|<b>/);
  });

  it("fails where no talkdesk() was before it", async () => {
    await using app = await openApp(framework, (app) => protect(app));
    for (const accept of [ACCEPT.chrome, ACCEPT.json]) {
      expect((await app.ask("/page", { headers: { accept } })).status).toBe(500);
    }
    expect(app.errors).toEqual([
      new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."),
      new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."),
    ]);
  });

  it.each(["GET", "POST"])("fails at %s of the login behind it, in place of a loop", async (method) => {
    await using app = await open({ login: "/auth/login?tenant=a" });
    for (const path of ["/auth/login", "/auth/login?returnTo=/"]) {
      expect((await app.ask(path, { method, headers: navigation })).status).toBe(500);
    }
    expect(app.errors).toHaveLength(2);
    for (const error of app.errors) {
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain("The login must be mounted before requireLogin()");
    }
  });

  it("fails at the login behind it, in place of a loop, where a proxy has taken off a prefix", async () => {
    await using app = await open({ login: "/portal/auth/login" });
    const first = await app.ask("/page", { headers: navigation });
    const location = first.headers.location ?? "";
    expect(location).toBe("/portal/auth/login?returnTo=%2Fpage");
    expect((await app.ask(location.replace("/portal", ""), { headers: navigation })).status).toBe(500);
    expect(String(app.errors.pop())).toContain("The login must be mounted before requireLogin()");
  });

  it("knows the login behind it by its whole address, in routers, too", async () => {
    await using app = await open({ login: "/router/login" });
    expect((await app.ask("/router/login", { headers: navigation })).status).toBe(500);
    expect(String(app.errors.pop())).toContain("The login must be mounted before requireLogin()");
    const { status, headers } = await app.ask("/app/router/login", { headers: navigation });
    expect([status, headers.location]).toEqual([302, "/router/login?returnTo=%2Fapp%2Frouter%2Flogin"]);
  });

  it("keeps what others had said of Vary", async () => {
    await using app = await openApp(framework, (app) => {
      app.use((_request, response, next) => {
        response.vary("Origin");
        next();
      });
      app.use(
        talkdesk(() => undefined),
        requireLogin(),
      );
    });
    expect((await app.ask("/")).headers.vary).toBe("Origin, Accept");
  });
});

describe("requireLogin()", () => {
  it("throws a TypeError at once for an option that it does not know", () => {
    expect(() => requireLogin({ loginPath: "/auth/login" } as RequireLoginOptions)).toThrow(
      new TypeError('requireLogin() has no option "loginPath".'),
    );
  });

  it("takes a login beyond ASCII however often it is called", () => {
    const login = "https://bücher.example/auth/login";
    for (let count = 0; count < 20_000; count++) requireLogin({ login });
  });

  it.each([
    "",
    "auth/login",
    "//evil.example",
    "/\\evil.example",
    "http://",
    "https://",
    "https:/auth",
    "javascript:alert(1)",
    "ftp://login.example.com",
    "/auth/login#top",
    "/auth login",
    "/auth\nlogin",
    "/auth\u0000login",
    null,
    7,
    {},
    [],
  ])("throws a TypeError at once for a login at %j", (login) => {
    const options = { login } as RequireLoginOptions;
    expect(() => requireLogin(options)).toThrow(
      new TypeError('login must be the address of the login, such as "/auth/login".'),
    );
  });
});
