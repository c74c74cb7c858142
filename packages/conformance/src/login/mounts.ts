import { clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
import type { Emulator } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";
import type { Browser } from "./browser.js";
import type { LoginOptions } from "./login-driver.js";
import type { LoginStage, LoginSubject } from "./login-stage.js";
import { openLoginStage, restartOf, sessionTexts, whoIs } from "./login-stage.js";

/** Where logins are mounted, and what a proxy does to the paths. */
export function describeMounts(subject: LoginSubject): void {
  it.each(["", "/auth", "/a/b/auth"])(
    "signs in, out, and begins again after a failure at %j",
    async (mount) => {
      await using stage = await openLoginStage(subject, { mount });
      const browser = stage.browser();
      expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
      expect((await browser.signIn(`?returnTo=${mount}/login`)).to).toBe("/");
      expect((await whoIs(browser)).isSignedIn).toBe(true);
      expect((await browser.visit(`${mount}/logout`, { method: "POST" })).status).toBe(303);
      expect((await whoIs(browser)).isSignedIn).toBe(false);
      const failed = await browser.visit(`${mount}/callback?state=none`);
      expect(failed.status).toBe(400);
      const [, link = ""] = /<a href="([^"]*)"/.exec(failed.text) ?? [];
      const again = new URL(link, new URL(`${mount}/callback`, stage.origin));
      expect(again.pathname).toBe(`${mount}/login`);
      expect((await browser.visit(again.pathname)).status).toBe(302);
      expect(stage.errors).toEqual([]);
    },
  );

  it("leaves all other addresses to the app", async () => {
    await using stage = await openLoginStage(subject);
    for (const path of ["/logins", "/login/more", "/callbacks", "/LOGIN", "/__proto__", "/constructor"]) {
      const page = await stage.browser().visit(`/auth${path}`);
      expect([path, page.status]).toEqual([path, 404]);
      expect(page.text).not.toContain("help@example.com");
    }
    expect(sessionTexts(stage)).toEqual([]);
  });

  describe("behind a proxy that takes a prefix off the path", () => {
    it("signs in, and leads nobody to a route of the login", async () => {
      await using stage = await openLoginStage(subject, { strippedPrefix: "/portal" });
      const browser = stage.browser();
      expect((await browser.signIn("?returnTo=/portal/there")).to).toBe("/portal/there");
      for (const own of ["/portal/auth/login", "/portal/auth/logout", "/auth/login"]) {
        expect((await browser.signIn(`?returnTo=${own}`)).to).toBe("/");
      }
      const again = await browser.visit("/portal/auth/callback");
      expect([again.status, again.to]).toEqual([302, "/portal/"]);
      expect((await stage.browser().visit("/portal/auth/callback")).text).toContain('href="login"');
    });

    it("brings people back to the page that they came from", async () => {
      await using stage = await openLoginStage(subject, { strippedPrefix: "/portal" });
      const browser = stage.browser();
      const sent = await browser.visit("/portal/me?a=1");
      expect(sent.to).toMatch(/^\/portal\/auth\/login\?/);
      const [, query = ""] = sent.to?.split("?") ?? [];
      expect((await browser.signIn(`?${query}`)).to).toBe("/portal/me?a=1");
      expect((await browser.visit("/portal/me")).status).toBe(200);
      expect((await browser.signIn()).to).toBe("/portal/");
      expect((await browser.signIn("?returnTo=/")).to).toBe("/portal/");
      const logout = await browser.visit("/portal/auth/logout?returnTo=/goodbye", { method: "POST" });
      expect(logout.to).toBe("/portal/goodbye");
      expect((await browser.visit("/portal/auth/logout", { method: "POST" })).to).toBe("/portal/");
    });

    it("brings people back from a login at the root of the app", async () => {
      await using stage = await openLoginStage(subject, { strippedPrefix: "/portal", mount: "" });
      const browser = stage.browser();
      expect((await browser.signIn("?returnTo=/contacts")).to).toBe("/portal/contacts");
      expect((await browser.signIn("?returnTo=/portals")).to).toBe("/portal/portals");
      expect((await browser.signIn("?returnTo=/portal?a=1")).to).toBe("/portal?a=1");
      expect((await browser.signIn("?returnTo=/login")).to).toBe("/");
    });
  });

  it("leaves paths as they are when the redirect URI has another name than /callback", async () => {
    await using stage = await openLoginStage(subject, {
      login: (talkdesk, redirectUri) => registered(talkdesk, `${new URL(redirectUri).origin}/signed-in`),
    });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk("?returnTo=/contacts");
    expect(callback).toMatch(/^\/signed-in\?/);
    // As a rewriting proxy would send it.
    expect((await browser.visit(callback.replace("/signed-in", "/auth/callback"))).to).toBe("/contacts");
    expect((await stage.browser().visit("/auth/callback")).text).toContain('href="/auth/login"');
  });

  describe("twice in one app", () => {
    const open = (): Promise<LoginStage> => openLoginStage(subject, { otherMounts: ["/partner/auth"] });
    const begin = async (browser: Browser, mount: string): Promise<string> => {
      const begun = await browser.visit(`${mount}/login?returnTo=/from${mount}`);
      return (await browser.visit(begun.to ?? "")).to ?? "";
    };
    const signedIn = async (browser: Browser): Promise<readonly boolean[]> => {
      const { isSignedIn, others } = await whoIs(browser);
      return [isSignedIn, ...others];
    };

    it("has two sign-ins in one session", async () => {
      await using stage = await open();
      const browser = stage.browser();
      await browser.visit(await begin(browser, "/auth"));
      expect(await signedIn(browser)).toEqual([true, false]);
      await browser.visit(await begin(browser, "/partner/auth"));
      expect(await signedIn(browser)).toEqual([true, true]);
      expect(stage.tokens.records.size).toBe(2);
      expect(sessionTexts(stage)).toHaveLength(1);
      for (const key of stage.tokens.records.keys()) expect(sessionTexts(stage)[0]).toContain(key);
      expect(browser.cookies.size).toBe(1);
      const [first, second] = stage.talkdesk.requests.to("token").map(({ clientId }) => clientId);
      expect(first).not.toBe(second);
    });

    it("can be begun side by side; the second to come back begins again, to its own page", async () => {
      await using stage = await open();
      const browser = stage.browser();
      const [one, two] = [await begin(browser, "/auth"), await begin(browser, "/partner/auth")];
      expect((await browser.visit(one)).to).toBe("/from/auth");
      // The session has another id now, so an attacker could have begun this login.
      const late = await browser.visit(two);
      expect([late.status, restartOf(late)]).toEqual([400, "?returnTo=%2Ffrom%2Fpartner%2Fauth"]);
      expect((await browser.visit(await begin(browser, "/partner/auth"))).to).toBe("/from/partner/auth");
      expect(await signedIn(browser)).toEqual([true, true]);
    });

    it("takes no callback of the other login", async () => {
      await using stage = await open();
      const browser = stage.browser();
      const [one, two] = [await begin(browser, "/auth"), await begin(browser, "/partner/auth")];
      const crossed = [one.replace("/auth/", "/partner/auth/"), two.replace("/partner/auth/", "/auth/")];
      for (const callback of crossed) expect((await browser.visit(callback)).status).toBe(400);
      expect(stage.talkdesk.requests.to("token")).toEqual([]);
      await browser.visit(one);
      expect(await signedIn(browser)).toEqual([true, false]);
    });

    it("signs out of one login, and stays signed in by the other", async () => {
      await using stage = await open();
      const browser = stage.browser();
      await browser.visit(await begin(browser, "/auth"));
      await browser.visit(await begin(browser, "/partner/auth"));
      const before = [...browser.cookies.values()];
      expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
      expect(await signedIn(browser)).toEqual([false, true]);
      expect([...browser.cookies.values()]).not.toEqual(before);
      expect(stage.tokens.records.size).toBe(1);
      expect((await browser.visit("/partner/auth/logout", { method: "POST" })).status).toBe(303);
      expect(await signedIn(browser)).toEqual([false, false]);
      expect(stage.tokens.records.size).toBe(0);
      expect(sessionTexts(stage)).toEqual([]);
      expect(stage.errors).toEqual([]);
    });

    it("shows the contact of each", async () => {
      await using stage = await open();
      const browser = stage.browser();
      expect((await browser.visit("/auth/callback")).text).toContain("help@example.com");
      expect((await browser.visit("/partner/auth/callback")).text).toContain("partners@example.com");
    });
  });
}

/** A client with this redirect URI. */
function registered(talkdesk: Emulator, redirectUri: string): Partial<LoginOptions> {
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
  const authentication = clientSecretBasic({ clientId, clientSecret });
  return { redirectUri, client: talkdeskClient({ endpoints: talkdesk.endpoints(), authentication }) };
}
