import {
  clientCredentials,
  clientSecretBasic,
  sourceAddresses,
  type TokenSource,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import type { Emulator } from "@talkdesk-oauth/emulator";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { LoginStage, LoginSubject } from "./login-stage.js";
import {
  codeOf,
  emailOf,
  gate,
  grantsOf,
  NOBODY,
  openAnotherStage,
  openLoginStage,
  sessionTexts,
  signOut,
  whoIs,
} from "./login-stage.js";

/** `POST /logout`. */
export function describeLogouts(subject: LoginSubject): void {
  it("signs the browser out, and leaves nothing in either store", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const page = await signOut(browser);
    expect([page.status, page.to]).toEqual([303, "/"]);
    expect(page.headers["cache-control"]).toBe("no-store");
    expect(stage.tokens.records.size).toBe(0);
    expect(sessionTexts(stage)).toEqual([]);
    expect(await whoIs(browser)).toEqual(NOBODY);
    expect((await browser.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
    expect((await browser.signIn()).status).toBe(302);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.errors).toEqual([]);
  });

  it("ends the session for a copy of its cookie, too", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const copy = stage.browser(browser);
    await signOut(browser);
    expect(await whoIs(copy)).toEqual(NOBODY);
    expect((await copy.visit("/me")).status).toBe(302);
  });

  it("is a POST, and no other method", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
      const page = await browser.visit("/auth/logout?returnTo=/", { method });
      expect([method, page.status, page.headers["allow"]]).toEqual([method, 405, "POST"]);
    }
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("can be repeated, also in a browser that was never signed in", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const both = await Promise.all([signOut(browser), signOut(browser)]);
    const pages = [...both, await signOut(browser), await signOut(stage.browser())];
    expect(pages.map(({ status }) => status)).toEqual([303, 303, 303, 303]);
    expect(stage.tokens.records.size).toBe(0);
    expect(stage.errors).toEqual([]);
  });

  it("leads to the path of the app that its form or query names, and else to /", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    const ledTo = async (form: Record<string, string>, query = ""): Promise<string | undefined> =>
      (await browser.visit(`/auth/logout${query}`, { form })).to;
    expect(await ledTo({ returnTo: "/goodbye?a=1" })).toBe("/goodbye?a=1");
    expect(await ledTo({}, "?returnTo=/from-the-query")).toBe("/from-the-query");
    expect(await ledTo({ returnTo: "/form" }, "?returnTo=/query")).toBe("/form");
    for (const evil of [
      "//evil.example",
      "https://evil.example",
      "/\\evil.example",
      "/auth/login",
      "/auth/logout",
    ]) {
      expect(await ledTo({ returnTo: evil })).toBe("/");
      expect(await ledTo({}, `?${new URLSearchParams({ returnTo: evil })}`)).toBe("/");
    }
    expect(await ledTo({ "returnTo[]": "/listed" })).toBe("/");
    expect(await ledTo({ "returnTo[of]": "/object" })).toBe("/");
    expect(await ledTo({ "__proto__[returnTo]": "/inherited" })).toBe("/");
    expect(stage.errors).toEqual([]);
  });

  it("ends the logins that the browser had begun", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const callback = await browser.toTalkdesk();
    await signOut(browser);
    expect((await browser.visit(callback)).status).toBe(400);
    expect(grantsOf(stage)).toEqual(["authorization_code"]);
  });

  it.each([
    ["Sec-Fetch-Site is cross-site", { "sec-fetch-site": "cross-site" }],
    ["Sec-Fetch-Site is same-site, as for a sub-domain", { "sec-fetch-site": "same-site" }],
    ["Sec-Fetch-Site is cross-site, whatever Origin says", { "sec-fetch-site": "cross-site", origin: "own" }],
    ["Sec-Fetch-Site has an unknown value", { "sec-fetch-site": "nearby" }],
    ["Origin is another", { origin: "https://evil.example" }],
    ["Origin has another port", { origin: "http://localhost:1" }],
    ["Origin is null", { origin: "null" }],
    ["Origin only begins as the app's", { origin: "own.evil.example" }],
    ["Referer is a page of another site", { referer: "https://evil.example/page" }],
    ["Referer only begins as the app's", { referer: "own.evil.example/page" }],
    ["Origin is another, whatever Referer says", { origin: "https://evil.example", referer: "own/page" }],
  ])("is refused when %s", async (_what, headers) => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const page = await browser.visit("/auth/logout", { method: "POST", headers: withOrigin(headers, stage) });
    expect(page.status).toBe(403);
    expect(page.text).toContain("another site");
    expect(page.text).toContain("help@example.com");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect(stage.tokens.records.size).toBe(1);
  });

  it.each([
    ["Sec-Fetch-Site is same-origin", { "sec-fetch-site": "same-origin" }],
    ["Sec-Fetch-Site is none", { "sec-fetch-site": "none" }],
    ["Origin is the app's, without Sec-Fetch-Site", { origin: "own" }],
    ["Referer is a page of the app, without the other two", { referer: "own/page?a=1" }],
    ["none of the three is sent, as by programs", {}],
  ])("is accepted when %s", async (_what, headers) => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn();
    const page = await browser.visit("/auth/logout", { method: "POST", headers: withOrigin(headers, stage) });
    expect(page.status).toBe(303);
    expect((await whoIs(browser)).isSignedIn).toBe(false);
  });

  it("ends the sign-in in the app's other processes", async () => {
    await using stage = await openLoginStage(subject);
    await using other = await openAnotherStage(subject, stage);
    const here = stage.browser();
    await here.signIn();
    const there = other.browser(here);
    expect(await emailOf(there)).toMatch(/@/);
    expect((await signOut(there)).status).toBe(303);
    expect((await whoIs(here)).isSignedIn).toBe(false);
    expect(stage.tokens.records.size).toBe(0);
  });

  describe("with endTalkdeskSession", () => {
    it("ends the user's session at Talkdesk, after the app's own session and tokens", async () => {
      const leftBefore: unknown[] = [];
      await using stage = await openLoginStage(subject, {
        login: (talkdesk) => {
          const source = sourceOfSessionEnds(talkdesk);
          return {
            endTalkdeskSession: {
              ...sourceAddresses(source),
              getToken(request) {
                leftBefore.push([...stage.tokens.records.values(), ...sessionTexts(stage)]);
                return source.getToken(request);
              },
            },
          };
        },
      });
      const browser = stage.browser();
      const elsewhere = stage.browser();
      await browser.signIn();
      const { user } = await whoIs(browser);
      await elsewhere.signIn();
      const left = browser.visit("/auth/logout", { form: { returnTo: "/goodbye" } });
      expect(await left).toMatchObject({ status: 303, to: "/goodbye" });
      expect(leftBefore).toHaveLength(1);
      // Those of the other browser.
      expect(leftBefore[0]).toHaveLength(2);
      expect(endedUsers(stage)).toEqual([{ id: user?.sub, status: 204 }]);
      expect((await elsewhere.visit("/me")).to).toMatch(/^\/auth\/login/);
      // Nobody is signed in any more.
      expect((await signOut(browser)).status).toBe(303);
      expect(endedUsers(stage)).toHaveLength(1);
      expect(stage.errors).toEqual([]);
    });

    it.each([
      [
        "the id that GET /users/me gives",
        { patch: { id: "another-id-of-characters" } },
        "another-id-of-characters",
      ],
      ["the sub of the ID token, where there is no id", { patch: { id: undefined } }, "sub"],
      ["the sub of the ID token, where the id is too long", { patch: { id: "x".repeat(25) } }, "sub"],
      ["the sub of the ID token, where GET /users/me fails", { reset: "before" }, "sub"],
    ] as const)("takes %s", async (_what, answer, userId) => {
      await using stage = await openLoginStage(subject, { login: endingSessions });
      stage.talkdesk.faults.add({ at: "api", match: { path: "/users/me" }, ...answer });
      const browser = stage.browser();
      expect((await browser.signIn()).status).toBe(302);
      const { user } = await whoIs(browser);
      await signOut(browser);
      expect(endedUsers(stage)).toMatchObject([{ id: userId === "sub" ? user?.sub : userId }]);
    });

    it("says that the user is still signed in to Talkdesk when the session cannot be ended there", async () => {
      await using stage = await openLoginStage(subject, { login: endingSessions });
      stage.talkdesk.faults.add({
        at: "session",
        respond: {
          status: 400,
          headers: { "content-type": "application/json" },
          body: '{"error":"<b>unknown</b>"}',
        },
      });
      const browser = stage.browser();
      await browser.signIn();
      const page = await browser.visit("/auth/logout?returnTo=/goodbye", { method: "POST" });
      expect(page.status).toBe(502);
      expect(page.text).toContain("signed out of this app, but not of Talkdesk");
      expect(page.text).toContain('<a href="/goodbye">');
      expect(page.text).toContain("help@example.com");
      expect(page.text).toContain("&lt;b&gt;unknown&lt;/b&gt;");
      expect(codeOf(page)).toBe("request_refused");
      expect([page.headers["cache-control"], page.headers["referrer-policy"]]).toEqual([
        "no-store",
        "no-referrer",
      ]);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect([...stage.tokens.records.values(), ...sessionTexts(stage)]).toEqual([]);
      expect(stage.errors).toEqual([]);
    });

    it("waits two seconds for the user's id, and five for the end of the session", async () => {
      const asked = gate();
      const ending = gate();
      await using stage = await openLoginStage(subject, {
        client: {
          async fetch(url, init) {
            if (url.endsWith("/users/me")) await asked.pass();
            return fetch(url, init as RequestInit);
          },
        },
        login: (talkdesk) => {
          const source = sourceOfSessionEnds(talkdesk);
          const getToken = async () => {
            await ending.pass();
            return source.getToken();
          };
          return { endTalkdeskSession: { ...sourceAddresses(source), getToken } };
        },
      });
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      onTestFinished(() => void vi.useRealTimers());
      const completing = browser.visit(callback);
      await asked.isReached;
      await vi.advanceTimersByTimeAsync(2_000);
      expect((await completing).status).toBe(302);
      const leaving = signOut(browser);
      await ending.isReached;
      await vi.advanceTimersByTimeAsync(5_000);
      const page = await leaving;
      expect([page.status, codeOf(page)]).toEqual([502, "token_timeout"]);
      expect(await whoIs(browser)).toEqual(NOBODY);
      for (const held of [asked, ending]) held.open();
    });
  });

  describe("beside a login that is being completed", () => {
    it("wins: the login signs nobody in", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      const callback = await browser.toTalkdesk("?returnTo=/there");
      const exchange = gate();
      stage.tokens.behave = (operation) => (operation === "write" ? exchange.pass() : undefined);
      const completing = browser.visit(callback);
      await exchange.isReached;
      stage.tokens.behave = () => {};
      await signOut(browser);
      exchange.open();
      const page = await completing;
      expect([page.status, page.to]).toEqual([302, "/there"]);
      expect(await whoIs(browser)).toEqual(NOBODY);
      expect(stage.tokens.records.size).toBe(0);
      expect(sessionTexts(stage)).toEqual([]);
    });
  });
}

/** Puts the app's origin for `own` at the beginning of each value. */
const withOrigin = (
  headers: Readonly<Record<string, string>>,
  { origin }: { readonly origin: string },
): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.replace(/^own/, origin)]));

/** Tokens that may end sessions at Talkdesk, as an app makes them. */
function sourceOfSessionEnds(talkdesk: Emulator): TokenSource {
  const { clientId, clientSecret } = talkdesk.clients.add({ scopes: ["user-session-public:end"] });
  const authentication = clientSecretBasic({ clientId, clientSecret });
  const client = talkdeskClient({ endpoints: talkdesk.endpoints(), authentication });
  return clientCredentials(client, { scope: "user-session-public:end" });
}

const endingSessions = (talkdesk: Emulator) => ({ endTalkdeskSession: sourceOfSessionEnds(talkdesk) });

/** The users whose sessions Talkdesk was asked to end, and its answers. */
const endedUsers = ({ talkdesk: { requests } }: Pick<LoginStage, "talkdesk">) =>
  requests.to("session").map(({ form, status }) => ({ id: form.get("user_id"), status }));
