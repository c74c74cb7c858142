import { clientSecretBasic, type TalkdeskClient, TalkdeskError, talkdeskClient } from "@talkdesk-oauth/core";
import type { Emulator, EmulatorClient } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Browser } from "./support/browser.js";
import { clockAhead } from "./support/clock-ahead.js";
import { grantsOf, type LoginStage, openLoginStage, sessionsOf, whoIs } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

const clock = clockAhead();
const launched = (installation: string, more = ""): string =>
  `?talkdesk_installation_id=${installation}${more}`;

describe.each(frameworks)("a launch from Talkdesk in %s", (_name, framework) => {
  let stage: LoginStage;
  let installations: Map<string, EmulatorClient>;
  let asked: (string | undefined)[];
  /** What an app does: looks up what it was told when it was installed. */
  let clientOf: (talkdesk: Emulator, id: string | undefined) => TalkdeskClient;

  beforeEach(async () => {
    clock.aheadMs = 0;
    asked = [];
    installations = new Map();
    clientOf = (talkdesk, id) => {
      const found = installations.get(id ?? "");
      if (found === undefined) throw new TalkdeskError("installation_unknown", `Nothing is known of ${id}.`);
      const { clientId, clientSecret } = found;
      const authentication = clientSecretBasic({ clientId, clientSecret });
      return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication, clock });
    };
    stage = await openLoginStage({
      framework,
      login: (talkdesk, redirectUri) => {
        for (const id of ["first", "second"]) {
          installations.set(id, talkdesk.clients.add({ redirectUris: [redirectUri] }));
        }
        return {
          client: async (_request, { installationId }) => {
            asked.push(installationId);
            return clientOf(talkdesk, installationId);
          },
        };
      },
    });
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  const idOf = (installation: string): string => installations.get(installation)?.clientId ?? "none";
  const usedClients = (): (string | undefined)[] =>
    stage.talkdesk.requests.to("token").map(({ clientId }) => clientId);
  const code = (page: { text: string }): string | undefined => /Code: (\w+)/.exec(page.text)?.[1];
  const isKnown = async (browser: Browser): Promise<boolean> => (await whoIs(browser)).isSignedIn;

  it("signs in with the client of the installation that it names", async () => {
    for (const installation of ["first", "second"]) {
      const browser = stage.browser();
      const begun = await browser.visit(`/auth/login${launched(installation)}`);
      expect(new URL(begun.to ?? "").searchParams.get("client_id")).toBe(idOf(installation));
      await browser.signIn(launched(installation, "&returnTo=/there"));
      expect((await whoIs(browser)).user).toMatchObject({ installationId: installation });
      expect(JSON.parse((await browser.visit("/me")).text).email).toMatch(/@/);
    }
    expect(usedClients()).toEqual([idOf("first"), idOf("second")]);
  });

  it("is completed for the installation that began it, whatever the callback says", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk(launched("first"));
    asked.length = 0;
    await browser.visit(`${callback}&talkdesk_installation_id=second&talkdesk_user_id=somebody`);
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "first" });
    expect(usedClients()).toEqual([idOf("first")]);
    expect(asked).not.toContain("second");
  });

  it("of two installations in two tabs keeps them apart", async () => {
    const browser = stage.browser();
    const first = await browser.toTalkdesk(launched("first", "&returnTo=/one"));
    const second = await browser.toTalkdesk(launched("second", "&returnTo=/two"));
    expect((await browser.visit(first)).to).toBe("/one");
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "first" });
    // The session is another one now: the other tab begins again, for its own installation.
    const late = await browser.visit(second);
    expect(late.status).toBe(400);
    const [, link = ""] = /href="login([^"]+)"/.exec(late.text) ?? [];
    expect((await browser.signIn(link.replaceAll("&amp;", "&"))).to).toBe("/two");
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "second" });
    expect(usedClients()).toEqual([idOf("first"), idOf("second")]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("authenticates nobody by the user that it names", async () => {
    const browser = stage.browser();
    const begun = await browser.visit(
      `/auth/login${launched("first", "&talkdesk_user_id=5f0c0ffee0c0ffee0c0ffee0")}`,
    );
    expect(begun.to).not.toContain("5f0c0ffee");
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect(JSON.stringify(sessionsOf(stage))).not.toContain("5f0c0ffee");
    await browser.visit((await browser.visit(begun.to ?? "")).to ?? "");
    const { user } = await whoIs(browser);
    expect(user?.sub).not.toContain("5f0c0ffee");
    expect(user?.sub).toBe(JSON.parse((await browser.visit("/me")).text).id);
  });

  it.each([
    ["nobody has installed", "?talkdesk_installation_id=third&returnTo=/there"],
    ["is named like a member of every object", "?talkdesk_installation_id=__proto__"],
    ["is named twice", "?talkdesk_installation_id=first&talkdesk_installation_id=second"],
    ["is far too long", `?talkdesk_installation_id=${"x".repeat(129)}`],
  ])("from an installation that %s shows a page that says so", async (_what, query) => {
    const browser = stage.browser();
    const page = await browser.visit(`/auth/login${query}`);
    expect([page.status, code(page)]).toEqual([404, "installation_unknown"]);
    expect(page.text).toContain("help@example.com");
    expect(asked.every((id) => id === "third" || id === "__proto__")).toBe(true);
    expect(sessionsOf(stage)).toEqual([]);
    expect(stage.errors).toEqual([]);
  });

  it("without an installation is a login as any other", async () => {
    await stage.browser().visit("/auth/login");
    await stage.browser().visit("/auth/login?talkdesk_installation_id=");
    expect(asked).toEqual([undefined, undefined]);
  });

  it("whose app is uninstalled before it comes back shows the page, and exchanges nothing", async () => {
    const browser = stage.browser();
    const callback = await browser.toTalkdesk(launched("first", "&returnTo=/there"));
    installations.delete("first");
    const page = await browser.visit(callback);
    expect([page.status, code(page)]).toEqual([404, "installation_unknown"]);
    expect(page.text).toContain('href="login?returnTo=%2Fthere&amp;talkdesk_installation_id=first"');
    expect(grantsOf(stage)).toEqual([]);
  });

  it("goes on with the credentials that have replaced those of the sign-in", async () => {
    const browser = stage.browser();
    await browser.signIn(launched("first"));
    asked.length = 0;
    for (let visit = 0; visit < 3; visit++) expect((await browser.visit("/me")).status).toBe(200);
    expect(asked).toEqual([]);

    const known = installations.get("first");
    const rotated = stage.talkdesk.clients.rotateSecret(known?.clientId ?? "");
    clock.aheadMs = 700_000;
    const refused = await browser.visit("/me", { headers: { accept: "application/json" } });
    expect([refused.status, JSON.parse(refused.text).code]).toEqual([502, "client_refused"]);
    installations.set("first", { ...known, ...rotated } as EmulatorClient);
    expect((await browser.visit("/me")).status).toBe(200);
    expect(asked).toEqual(["first"]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("asks no more once the client that it had is accepted again", async () => {
    const make = clientOf;
    let same: TalkdeskClient | undefined;
    clientOf = (talkdesk, id) => {
      same ??= make(talkdesk, id);
      return same;
    };
    const browser = stage.browser();
    await browser.signIn(launched("first"));
    const refusal = { status: 401, body: '{"error":"invalid_client"}' };
    const headers = { "content-type": "application/json" };
    stage.talkdesk.faults.add({ at: "token", respond: { ...refusal, headers } });
    clock.aheadMs = 700_000;
    expect((await browser.visit("/me")).status).toBe(502);
    asked.length = 0;
    for (let visit = 0; visit < 3; visit++) expect((await browser.visit("/me")).status).toBe(200);
    expect(asked).toEqual(["first"]);
  });

  it("asks not for each request what has replaced credentials that stay refused", async () => {
    const browser = stage.browser();
    await browser.signIn(launched("first"));
    stage.talkdesk.clients.rotateSecret(idOf("first"));
    clock.aheadMs = 700_000;
    for (let visit = 0; visit < 20; visit++) await browser.visit("/me");
    // Five failures close the gate of a session, and a session is not replaced more often than once in a second.
    expect(stage.talkdesk.requests.to("token").length).toBeLessThanOrEqual(1 + 12);
  });

  it("whose app is uninstalled while somebody is signed in, in another process, signs them out there", async () => {
    const browser = stage.browser();
    await browser.signIn(launched("first"));
    installations.delete("first");
    // As after a restart: this process knows no client for the sign-in.
    for (const [key, text] of Object.entries(sessionTexts())) {
      sessionTexts()[key] = text.replace(/"key":"[^"]+"/, `"key":"${"k".repeat(43)}"`);
    }
    expect(await isKnown(browser)).toBe(false);
    expect((await browser.visit("/me")).status).toBe(302);
    expect(stage.errors).toEqual([]);
  });

  const sessionTexts = (): Record<string, string> =>
    (stage.sessions as unknown as { sessions: Record<string, string> }).sessions;

  it.each([
    [
      "throws",
      "the database is down",
      () => {
        throw new Error("the database is down");
      },
    ],
    ["gives nothing", "must be a TalkdeskClient", () => undefined],
    [
      "gives what is no client",
      "must be a TalkdeskClient",
      () => ({ endpoints: { authorize: "https://evil.example" } }),
    ],
    [
      "gives a client without an id",
      "needs the client's id",
      (talkdesk: Emulator) => talkdeskClient({ endpoints: talkdesk.endpoints(), authentication: () => {} }),
    ],
  ] as const)(
    "whose client function %s is the app's fault, and sends nobody anywhere",
    async (_what, words, broken) => {
      clientOf = broken as unknown as typeof clientOf;
      const page = await stage.browser().visit(`/auth/login${launched("first")}`);
      expect(page.status).toBe(500);
      expect(stage.errors).toHaveLength(1);
      expect(String(stage.errors[0])).toContain(words);
      expect(sessionsOf(stage)).toEqual([]);
    },
  );
});

describe("an app with one client", () => {
  it("does not have users say which installation they are of", async () => {
    await using stage = await openLoginStage();
    const browser = stage.browser();
    await browser.signIn(launched("somebody-elses"));
    const { user } = await whoIs(browser);
    expect(user).toEqual({ sub: expect.any(String) });
    expect(JSON.stringify(sessionsOf(stage))).not.toContain("somebody-elses");
    expect((await browser.signIn(launched("a&talkdesk_installation_id=b"))).to).toBe("/");
  });
});
