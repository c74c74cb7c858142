import { clientSecretBasic, type TalkdeskClient, talkdeskClient } from "@talkdesk-oauth/core";
import type { Emulator, EmulatorClient } from "@talkdesk-oauth/emulator";
import { afterEach, describe, expect, it } from "vitest";
import { openBrowser } from "./support/browser.js";
import { type LoginStage, type LoginStageOptions, openLoginStage, whoIs } from "./support/login-stage.js";
import { type Framework, frameworks } from "./support/served.js";

const clientOf = (talkdesk: Emulator, { clientId, clientSecret }: EmulatorClient): TalkdeskClient =>
  talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: clientSecretBasic({ clientId, clientSecret }),
  });

let stage: LoginStage;
const open = async (options: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("a login in %s", (_name, framework: Framework) => {
  const places: readonly (readonly [string, string, LoginStageOptions["place"]])[] = [
    ["at the root", "", (app, login) => void app.use(login)],
    ["at a path with a slash at its end", "/auth", (app, login) => void app.use("/auth/", login)],
    ["at a path of several parts", "/a/b/auth", (app, login) => void app.use("/a/b/auth", login)],
    [
      "in a router in a router",
      "/outer/inner/auth",
      (app, login) => {
        const [outer, inner] = [framework.Router(), framework.Router()];
        inner.use("/auth", login);
        outer.use("/inner", inner);
        app.use("/outer/", outer);
      },
    ],
    [
      "in a strict router",
      "/auth",
      (app, login) =>
        void app.use(framework.Router({ strict: true, caseSensitive: true }).use("/auth", login)),
    ],
    [
      "in an app in the app",
      "/sub/auth",
      (app, login) => {
        const sub = framework();
        sub.use("/auth", login);
        app.use("/sub", sub);
      },
    ],
    ["at a path with a parameter", "/team-7/auth", (app, login) => void app.use("/:team/auth", login)],
  ];

  it.each(places)("%s signs in, out, and begins again after a failure", async (_where, mount, place) => {
    await open({ framework, mount, ...(place && { place }) });
    const browser = stage.browser();
    expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
    expect((await browser.signIn(`?returnTo=${mount}/login`)).to).toBe("/");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect((await browser.visit(`${mount}/logout`, { method: "POST" })).status).toBe(303);
    expect((await whoIs(browser)).isSignedIn).toBe(false);
    const failed = await browser.visit(`${mount}/callback?state=none`);
    expect(failed.status).toBe(400);
    const [, link = ""] = /<a href="(login[^"]*)"/.exec(failed.text) ?? [];
    const again = new URL(link, new URL(`${mount}/callback`, stage.origin));
    expect(again.pathname).toBe(`${mount}/login`);
    expect((await browser.visit(again.pathname)).status).toBe(302);
    expect(stage.errors).toEqual([]);
  });

  it("leaves all other addresses to the app", async () => {
    await open({
      framework,
      place: (app, login) => {
        app.use("/auth", login);
        app.use("/auth", (request, response) => void response.status(404).send(`not ${request.path}`));
      },
    });
    for (const path of ["/", "/login/", "/logins", "/login/more", "/callbacks", "/LOGIN", "/__proto__"]) {
      const page = await stage.browser().visit(`/auth${path}`);
      expect([page.status, page.text]).toEqual([404, `not ${path}`]);
    }
  });

  /** An app behind a proxy, which changes the beginning of each path before the app sees it. */
  const openBehindProxy = (
    toInternal: (url: string) => string,
    publicMount: string,
    options: LoginStageOptions = {},
  ): Promise<LoginStage> =>
    open({
      framework,
      loginAddress: `${publicMount}/login`,
      before: (app) => {
        app.use((request, _response, next) => {
          // As the proxy would have sent it.
          request.url = toInternal(request.url);
          request.originalUrl = request.url;
          next();
        });
      },
      login: (talkdesk, redirectUri) => {
        const address = `${new URL(redirectUri).origin}${publicMount}/callback`;
        return {
          redirectUri: address,
          client: clientOf(talkdesk, talkdesk.clients.add({ redirectUris: [address] })),
        };
      },
      ...options,
    });

  it("works behind a proxy that takes a part off the path", async () => {
    const prefix = "/portal";
    await openBehindProxy((url) => url.replace(/^\/portal/, ""), `${prefix}/auth`);
    const browser = openBrowser(stage.origin, `${prefix}/auth`);
    expect((await browser.signIn(`?returnTo=${prefix}/there`)).to).toBe(`${prefix}/there`);
    for (const own of [`${prefix}/auth/login`, `${prefix}/auth/logout`, "/auth/login"]) {
      expect((await browser.signIn(`?returnTo=${own}`)).to).toBe("/");
    }
    const failed = await browser.visit(`${prefix}/auth/callback`);
    expect([failed.status, failed.to]).toEqual([302, `${prefix}/`]);
    const stranger = await openBrowser(stage.origin).visit(`${prefix}/auth/callback`);
    expect(stranger.text).toContain('href="login"');
  });

  it("brings people back to the page that they came from, behind such a proxy", async () => {
    await openBehindProxy((url) => url.replace(/^\/portal/, ""), "/portal/auth");
    const browser = openBrowser(stage.origin, "/portal/auth");
    const sent = await browser.visit("/portal/me?a=1");
    expect(sent.to).toMatch(/^\/portal\/auth\/login\?/);
    const [, query = ""] = sent.to?.split("?") ?? [];
    expect((await browser.signIn(`?${query}`)).to).toBe("/portal/me?a=1");
    expect((await browser.visit("/portal/me")).status).toBe(200);
    // Neither the first page nor a logout leads out of the app.
    expect((await browser.signIn()).to).toBe("/portal/");
    expect((await browser.signIn("?returnTo=/")).to).toBe("/portal/");
    const logout = await browser.visit("/portal/auth/logout?returnTo=/goodbye", { method: "POST" });
    expect(logout.to).toBe("/portal/goodbye");
    expect((await browser.visit("/portal/auth/logout", { method: "POST" })).to).toBe("/portal/");
  });

  it("leaves addresses as they are where other paths than the login's own differ", async () => {
    await open({
      framework,
      mount: "/auth",
      place: (app, login) => {
        app.use("/:team/auth", login);
        app.use("/auth", login);
      },
    });
    const browser = openBrowser(stage.origin, "/team-7/auth");
    const begun = await browser.toTalkdesk("?returnTo=/team-7/contacts");
    expect(begun).toMatch(/^\/auth\/callback\?/);
    expect((await browser.visit(begun)).to).toBe("/team-7/contacts");
    expect((await browser.visit(begun)).to).toBe("/");
  });

  it("brings people back from an app at the root, behind such a proxy", async () => {
    await openBehindProxy((url) => url.replace(/^\/portal/, ""), "/portal", {
      place: (app, login) => void app.use(login),
    });
    const browser = openBrowser(stage.origin, "/portal");
    expect((await browser.signIn("?returnTo=/contacts")).to).toBe("/portal/contacts");
    expect((await browser.signIn("?returnTo=/portals")).to).toBe("/portal/portals");
    expect((await browser.signIn("?returnTo=/portal?a=1")).to).toBe("/portal?a=1");
    expect((await browser.signIn("?returnTo=/login")).to).toBe("/");
  });

  it("keeps to addresses as they are where the proxy's changes cannot be told", async () => {
    await open({
      framework,
      login: (talkdesk, redirectUri) => {
        const address = `${new URL(redirectUri).origin}/signed-in`;
        return {
          redirectUri: address,
          client: clientOf(talkdesk, talkdesk.clients.add({ redirectUris: [address] })),
        };
      },
    });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/contacts");
    expect(callback).toMatch(/^\/signed-in\?/);
    expect((await browser.visit(callback.replace("/signed-in", "/auth/callback"))).to).toBe("/contacts");
    const stranger = await stage.browser().visit("/auth/callback");
    expect(stranger.text).toContain('href="/auth/login"');
  });
});
