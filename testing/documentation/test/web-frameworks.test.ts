import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { apps, findFaultsOfTypes, removeApps, writeApps } from "./framework-apps.js";
import { type Answer, drivers } from "./framework-drivers.js";

const ORIGIN = "http://localhost:3000";

let talkdesk: Emulator;
let total: number;

beforeAll(async () => {
  talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [`${ORIGIN}/auth/callback`] });
  const settings = {
    ...talkdesk.environment(),
    TALKDESK_CLIENT_ID: clientId,
    TALKDESK_CLIENT_SECRET: clientSecret,
    ORIGIN,
    PORT: "0",
  };
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  const contacts = await talkdeskFetch(clientCredentials(talkdeskClientFromEnv()))("/contacts");
  ({ total } = (await contacts.json()) as { total: number });
  await writeApps();
});

afterAll(async () => {
  await talkdesk?.stop();
  await removeApps();
  vi.unstubAllEnvs();
});

afterEach(() => void vi.restoreAllMocks());

describe("the apps in docs/web-frameworks.md", () => {
  it("are all driven", () => {
    expect(apps.map(({ heading }) => heading)).toEqual(Object.keys(drivers));
  });

  it("type-check", async () => {
    expect(await findFaultsOfTypes()).toBe("");
  });

  describe.each(apps)("$heading", (app) => {
    let answer: Answer;
    const stops: (() => void)[] = [];

    beforeAll(async () => {
      const drive = drivers[app.heading];
      if (drive === undefined) throw new Error(`Nothing drives ${app.heading}.`);
      answer = await drive(app, (work) => void stops.push(work));
    });

    afterAll(() => {
      for (const stop of stops) stop();
    });

    /** A browser, which keeps the app's cookies and follows nothing by itself. */
    function openBrowser() {
      const cookies = new Map<string, string>();
      return {
        cookies,
        async open(path: string, method = "GET") {
          const request = new Request(new URL(path, ORIGIN), {
            method,
            headers: {
              accept: "text/html",
              cookie: [...cookies].map((pair) => pair.join("=")).join("; "),
              ...(method === "POST" && { origin: ORIGIN }),
            },
          });
          const response = await answer(request);
          for (const line of response.headers.getSetCookie()) {
            const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
            if (value === "") cookies.delete(name);
            else cookies.set(name, value);
          }
          const { status, headers } = response;
          return { status, location: headers.get("location") ?? "", headers, text: await response.text() };
        },
      };
    }

    /** Begins a login as the page does that needs one, and ends it at Talkdesk. */
    async function logIn(browser: ReturnType<typeof openBrowser>) {
      const refused = await browser.open("/contacts");
      const begun = await browser.open(refused.location);
      const agreed = await fetch(begun.location, { redirect: "manual" });
      return browser.open(agreed.headers.get("location") ?? "");
    }

    it("signs a user in, shows the page, and signs the user out", async () => {
      const browser = openBrowser();
      const refused = await browser.open("/contacts");
      expect(refused.status).toBeOneOf([302, 307]);
      expect(refused.location).toBe("/auth/login?returnTo=%2Fcontacts");

      const begun = await browser.open(refused.location);
      expect(begun.status).toBe(302);
      expect(begun.location).toContain(talkdesk.endpoints().authorize);
      const [idBefore] = browser.cookies.values();

      const agreed = await fetch(begun.location, { redirect: "manual" });
      const done = await browser.open(agreed.headers.get("location") ?? "");
      expect([done.status, done.location]).toEqual([302, "/contacts"]);
      expect([...browser.cookies.values()]).not.toContain(idBefore);

      const page = await browser.open("/contacts");
      expect(page.status).toBe(200);
      expect(page.text).toMatch(new RegExp(`\\b${total}\\b`));

      const left = await browser.open("/auth/logout", "POST");
      expect([left.status, left.location]).toEqual([303, "/"]);
      expect(browser.cookies.size).toBe(0);
      expect((await browser.open("/contacts")).location).toBe("/auth/login?returnTo=%2Fcontacts");
    });

    it("shows the login's page when the user denies", async () => {
      const noted = vi.spyOn(console, "error").mockImplementation(() => {});
      const browser = openBrowser();
      const begun = await browser.open("/auth/login?returnTo=/contacts");
      const state = new URL(begun.location).searchParams.get("state") ?? "";
      const denied = await browser.open(
        `/auth/callback?${new URLSearchParams({ error: "access_denied", state })}`,
      );
      expect(denied.status).toBe(403);
      expect(denied.text).toContain("The sign-in was denied");
      expect((await browser.open("/contacts")).location).toBe("/auth/login?returnTo=%2Fcontacts");
      expect(noted.mock.calls.flat().join()).not.toContain(state);
    });

    it("leads to the login when the session is over at Talkdesk", async () => {
      const browser = openBrowser();
      expect((await logIn(browser)).location).toBe("/contacts");
      expect((await browser.open("/contacts")).status).toBe(200);
      talkdesk.tokens.revoke();
      const over = await browser.open("/contacts");
      expect(over.status).toBeOneOf([302, 307]);
      expect(over.location).toBe("/auth/login?returnTo=%2Fcontacts");
    });

    it("leaves other paths beneath the mount to the app", async () => {
      expect((await openBrowser().open("/auth/elsewhere")).status).toBe(404);
    });
  });
});
