import { afterEach, describe, expect, it } from "vitest";
import { openBrowser } from "./support/browser.js";
import { type LoginStage, type LoginStageOptions, openLoginStage, whoIs } from "./support/login-stage.js";
import { type Framework, frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

describe.each(frameworks)("a login in %s", (_name, framework: Framework) => {
  const places: readonly (readonly [string, string, LoginStageOptions["place"]])[] = [
    ["at a path with a slash at its end", "/auth", (app, login) => void app.use("/auth/", login)],
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
});
