import { type RequireLoginOptions, requireLogin, talkdesk } from "@talkdesk-oauth/express";
import { type Express, Router } from "express";
import { describe, expect, it } from "vitest";
import { ACCEPT, type App, openApp } from "./support/app.js";
import { frameworks } from "./support/served.js";

const navigation = { accept: ACCEPT.chrome };

describe.each(frameworks)("requireLogin() in %s", (_name, framework) => {
  /** An app in which nobody is signed in, and every page is protected. */
  const open = (options?: RequireLoginOptions): Promise<App> =>
    openApp(framework, (app) => {
      app.use(talkdesk(() => undefined));
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

  it("fails without a talkdesk() before it", async () => {
    await using app = await openApp(framework, (app) => protect(app));
    for (const accept of [ACCEPT.chrome, ACCEPT.json]) {
      expect((await app.ask("/page", { headers: { accept } })).status).toBe(500);
    }
    expect(app.errors).toEqual([
      new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."),
      new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."),
    ]);
  });

  it.each(["GET", "POST"])(
    "fails at %s of a login that is mounted after it, and causes no loop",
    async (method) => {
      await using app = await open({ login: "/auth/login?tenant=a" });
      for (const path of ["/auth/login", "/auth/login?returnTo=/"]) {
        expect((await app.ask(path, { method, headers: navigation })).status).toBe(500);
      }
      expect(app.errors).toHaveLength(2);
      for (const error of app.errors) {
        expect(error).toBeInstanceOf(TypeError);
        expect(String(error)).toContain("The login must be mounted before requireLogin()");
      }
    },
  );

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

  it("keeps the Vary of other middleware", async () => {
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
