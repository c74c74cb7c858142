import { clientSecretBasic, type TalkdeskClient, TalkdeskError, talkdeskClient } from "@talkdesk-oauth/core";
import type { Emulator, EmulatorClient } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";
import { asProgram } from "./browser.js";
import type { LoginStage, LoginSubject } from "./login-stage.js";
import {
  AFTER_TOKENS_END_MS,
  type ClockAhead,
  clockAhead,
  codeOf,
  emailOf,
  grantsOf,
  NOBODY,
  openAnotherStage,
  openLoginStage,
  restartOf,
  sessionTexts,
  whoIs,
} from "./login-stage.js";

/** An app that chooses its client by installation. */
interface InstalledStage extends LoginStage {
  /** The installations that the app has stored. */
  readonly installations: Map<string, EmulatorClient>;
  /** The installations that the client function was asked for. */
  readonly asked: (string | undefined)[];
  readonly clock: ClockAhead;
}

/** The client function of a test. Default: one client for each request. */
type ChooseClient = (talkdesk: Emulator, id: string | undefined) => unknown;

const launch = (installation: string, more = ""): string =>
  `?talkdesk_installation_id=${installation}${more}`;

/** Launches of AppConnect. */
export function describeLaunches(subject: LoginSubject): void {
  async function openInstalled(
    choose: (find: ChooseClient) => ChooseClient = (find) => find,
  ): Promise<InstalledStage> {
    const clock = clockAhead();
    const asked: (string | undefined)[] = [];
    const installations = new Map<string, EmulatorClient>();
    const chosen = choose((talkdesk, id) => {
      const found = installations.get(id ?? "");
      if (found === undefined) {
        throw new TalkdeskError("installation_unknown", `The app has no installation ${id}.`);
      }
      const { clientId, clientSecret } = found;
      const authentication = clientSecretBasic({ clientId, clientSecret });
      return talkdeskClient({ endpoints: talkdesk.endpoints(), authentication, clock });
    });
    const stage = await openLoginStage(subject, {
      login: (talkdesk, redirectUri) => {
        for (const id of ["first", "second"]) {
          installations.set(id, talkdesk.clients.add({ redirectUris: [redirectUri] }));
        }
        return {
          client: async (_request, { installationId }) => {
            asked.push(installationId);
            return chosen(talkdesk, installationId) as TalkdeskClient;
          },
        };
      },
    });
    return Object.assign(stage, { installations, asked, clock });
  }
  const idOf = ({ installations }: InstalledStage, installation: string): string =>
    installations.get(installation)?.clientId ?? "none";
  const usedClients = ({ talkdesk }: LoginStage): (string | undefined)[] =>
    talkdesk.requests.to("token").map(({ clientId }) => clientId);

  it("signs in with the client of the installation that it names", async () => {
    await using stage = await openInstalled();
    for (const installation of ["first", "second"]) {
      const browser = stage.browser();
      const begun = await browser.visit(`/auth/login${launch(installation)}`);
      expect(new URL(begun.to ?? "").searchParams.get("client_id")).toBe(idOf(stage, installation));
      await browser.signIn(launch(installation, "&returnTo=/there"));
      expect((await whoIs(browser)).user).toMatchObject({ installationId: installation });
      expect(await emailOf(browser)).toMatch(/@/);
    }
    expect(usedClients(stage)).toEqual([idOf(stage, "first"), idOf(stage, "second")]);
  });

  it("is completed for the installation that began it, whatever the callback says", async () => {
    await using stage = await openInstalled();
    const browser = stage.browser();
    const callback = await browser.toTalkdesk(launch("first"));
    stage.asked.length = 0;
    await browser.visit(`${callback}&talkdesk_installation_id=second&talkdesk_user_id=somebody`);
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "first" });
    expect(usedClients(stage)).toEqual([idOf(stage, "first")]);
    expect(stage.asked).not.toContain("second");
  });

  it("of two installations in two tabs keeps them apart", async () => {
    await using stage = await openInstalled();
    const browser = stage.browser();
    const first = await browser.toTalkdesk(launch("first", "&returnTo=/one"));
    const second = await browser.toTalkdesk(launch("second", "&returnTo=/two"));
    expect((await browser.visit(first)).to).toBe("/one");
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "first" });
    // The session has another id now: the other tab begins again, for its own installation.
    const late = await browser.visit(second);
    expect(late.status).toBe(400);
    expect((await browser.signIn(restartOf(late))).to).toBe("/two");
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "second" });
    expect(usedClients(stage)).toEqual([idOf(stage, "first"), idOf(stage, "second")]);
    expect(stage.tokens.records.size).toBe(1);
  });

  it("signs nobody in by the user that it names", async () => {
    await using stage = await openInstalled();
    const browser = stage.browser();
    const hint = "&talkdesk_user_id=5f0c0ffee0c0ffee0c0ffee0";
    const begun = await browser.visit(`/auth/login${launch("first", hint)}`);
    expect(begun.to).not.toContain("5f0c0ffee");
    expect(await whoIs(browser)).toEqual(NOBODY);
    expect(sessionTexts(stage).join()).not.toContain("5f0c0ffee");
    await browser.visit((await browser.visit(begun.to ?? "")).to ?? "");
    const { user } = await whoIs(browser);
    expect(user?.sub).not.toContain("5f0c0ffee");
    expect(user?.sub).toBe(JSON.parse((await browser.visit("/me")).text).id);
  });

  it.each([
    ["nobody has installed", "?talkdesk_installation_id=third&returnTo=/there"],
    ["is named like a prototype's member", "?talkdesk_installation_id=__proto__"],
    ["is named twice", "?talkdesk_installation_id=first&talkdesk_installation_id=second"],
    ["is too long", `?talkdesk_installation_id=${"x".repeat(129)}`],
  ])("from an installation that %s shows a page that says so", async (_what, query) => {
    await using stage = await openInstalled();
    const page = await stage.browser().visit(`/auth/login${query}`);
    expect([page.status, codeOf(page)]).toEqual([404, "installation_unknown"]);
    expect(page.text).toContain("help@example.com");
    expect(stage.asked.every((id) => id === "third" || id === "__proto__")).toBe(true);
    expect(sessionTexts(stage)).toEqual([]);
    expect(stage.errors).toEqual([]);
  });

  it("without an installation asks for the client of none", async () => {
    await using stage = await openInstalled();
    await stage.browser().visit("/auth/login");
    await stage.browser().visit("/auth/login?talkdesk_installation_id=");
    expect(stage.asked).toEqual([undefined, undefined]);
  });

  it("shows the page and exchanges nothing when the app is uninstalled before the callback", async () => {
    await using stage = await openInstalled();
    const browser = stage.browser();
    const callback = await browser.toTalkdesk(launch("first", "&returnTo=/there"));
    stage.installations.delete("first");
    const page = await browser.visit(callback);
    expect([page.status, codeOf(page)]).toEqual([404, "installation_unknown"]);
    expect(restartOf(page)).toBe("?returnTo=%2Fthere&talkdesk_installation_id=first");
    expect(grantsOf(stage)).toEqual([]);
  });

  it("is handed on to the login by a page that needs one", async () => {
    await using stage = await openInstalled();
    const browser = stage.browser();
    const { to = "" } = await browser.visit("/me?talkdesk_installation_id=first&talkdesk_user_id=u");
    await browser.signIn(to.replace(/^[^?]*/, ""));
    expect((await whoIs(browser)).user).toMatchObject({ installationId: "first" });
  });

  describe("afterwards", () => {
    it("goes on with the credentials that have replaced those of the sign-in", async () => {
      await using stage = await openInstalled();
      const browser = stage.browser();
      await browser.signIn(launch("first"));
      stage.asked.length = 0;
      for (let visit = 0; visit < 3; visit++) expect((await browser.visit("/me")).status).toBe(200);
      expect(stage.asked).toEqual([]);

      const known = stage.installations.get("first");
      const rotated = stage.talkdesk.clients.rotateSecret(known?.clientId ?? "");
      stage.clock.aheadMs = AFTER_TOKENS_END_MS;
      const refused = await browser.visit("/me", asProgram);
      expect([refused.status, JSON.parse(refused.text).code]).toEqual([502, "client_refused"]);
      stage.installations.set("first", { ...known, ...rotated } as EmulatorClient);
      expect((await browser.visit("/me")).status).toBe(200);
      expect(stage.asked).toEqual(["first"]);
      expect(stage.tokens.records.size).toBe(1);
    });

    it("stops asking for a client once the one that it has is accepted again", async () => {
      let same: unknown;
      await using stage = await openInstalled((find) => (talkdesk, id) => {
        same ??= find(talkdesk, id);
        return same;
      });
      const browser = stage.browser();
      await browser.signIn(launch("first"));
      stage.talkdesk.faults.add({
        at: "token",
        respond: {
          status: 401,
          headers: { "content-type": "application/json" },
          body: '{"error":"invalid_client"}',
        },
      });
      stage.clock.aheadMs = AFTER_TOKENS_END_MS;
      expect((await browser.visit("/me")).status).toBe(502);
      stage.asked.length = 0;
      for (let visit = 0; visit < 3; visit++) expect((await browser.visit("/me")).status).toBe(200);
      expect(stage.asked).toEqual(["first"]);
    });

    it("does not ask at each request for a client while its credentials stay refused", async () => {
      await using stage = await openInstalled();
      const browser = stage.browser();
      await browser.signIn(launch("first"));
      stage.talkdesk.clients.rotateSecret(idOf(stage, "first"));
      stage.clock.aheadMs = AFTER_TOKENS_END_MS;
      for (let visit = 0; visit < 20; visit++) await browser.visit("/me");
      // Five failures close the gate of a session, and a session gets another client at most once in a second.
      expect(stage.talkdesk.requests.to("token").length).toBeLessThanOrEqual(1 + 12);
    });

    it("counts as signed out where the app is uninstalled, also in another process", async () => {
      await using stage = await openInstalled();
      const browser = stage.browser();
      await browser.signIn(launch("first"));
      await using other = await openAnotherStage(subject, stage, {
        login: {
          client: () => {
            throw new TalkdeskError("installation_unknown", "The app has no installation first.");
          },
        },
      });
      const there = other.browser(browser);
      expect((await whoIs(there)).isSignedIn).toBe(false);
      expect((await there.visit("/me")).status).toBe(302);
      expect(other.errors).toEqual([]);
    });
  });

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
      "gives an object that is no client",
      "must be a TalkdeskClient",
      () => ({ endpoints: { authorize: "https://evil.example" } }),
    ],
    [
      "gives a client without an id",
      "needs the client's id",
      (talkdesk: Emulator) => talkdeskClient({ endpoints: talkdesk.endpoints(), authentication: () => {} }),
    ],
  ] as const)("whose client function %s is an error of the app", async (_what, words, broken) => {
    await using stage = await openInstalled(() => broken);
    const page = await stage.browser().visit(`/auth/login${launch("first")}`);
    expect(page.status).toBe(500);
    expect(stage.errors).toHaveLength(1);
    expect(String(stage.errors[0])).toContain(words);
    expect(sessionTexts(stage)).toEqual([]);
  });

  it("changes nothing in an app with one client", async () => {
    await using stage = await openLoginStage(subject);
    const browser = stage.browser();
    await browser.signIn(launch("somebody-elses"));
    expect((await whoIs(browser)).user).toEqual({ sub: expect.any(String) });
    expect(sessionTexts(stage).join()).not.toContain("somebody-elses");
    expect((await browser.signIn(launch("a&talkdesk_installation_id=b"))).to).toBe("/");
  });
}
