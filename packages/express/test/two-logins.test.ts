import { clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
import { type TalkdeskLogin, talkdeskLogin } from "@talkdesk-oauth/express";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type LoginStage, openLoginStage, sessionsOf } from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

describe.each(frameworks)("two logins in one app in %s", (_name, framework) => {
  let stage: LoginStage;
  let other: TalkdeskLogin;
  beforeEach(async () => {
    let makeOther: (() => TalkdeskLogin) | undefined;
    stage = await openLoginStage({
      framework,
      login: (talkdesk, redirectUri) => {
        makeOther = () => {
          const otherUri = redirectUri.replace("/auth/", "/partner/auth/");
          const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [otherUri] });
          return talkdeskLogin({
            client: talkdeskClient({
              endpoints: talkdesk.endpoints(),
              authentication: clientSecretBasic({ clientId, clientSecret }),
            }),
            redirectUri: otherUri,
            scope: ["openid", "refresh_token", "users:read"],
            store: tokensOfStage,
            contact: "partners@example.com",
          });
        };
        return {};
      },
      place: (app, login) => {
        other = makeOther?.() as TalkdeskLogin;
        app.get("/both", async (request, response, next) => {
          try {
            response.json([login.user(request) !== undefined, (await other.source(request)) !== undefined]);
          } catch (error) {
            next(error);
          }
        });
        app.use("/auth", login);
        app.use("/partner/auth", other);
      },
    });
  });
  afterEach(() => stage[Symbol.asyncDispose]());

  /** The stage's own is there once requests are. */
  const tokensOfStage = {
    read: (...args: Parameters<LoginStage["tokens"]["read"]>) => stage.tokens.read(...args),
    write: (...args: Parameters<LoginStage["tokens"]["write"]>) => stage.tokens.write(...args),
    delete: (...args: Parameters<LoginStage["tokens"]["delete"]>) => stage.tokens.delete(...args),
    lock: (...args: Parameters<LoginStage["tokens"]["lock"]>) => stage.tokens.lock(...args),
  };

  /** One browser, which begins at either. */
  const bothDoors = () => {
    const browser = stage.browser();
    const begin = async (door: string): Promise<string> => {
      const begun = await browser.visit(`${door}/login?returnTo=/from${door}`);
      return (await browser.visit(begun.to ?? "")).to ?? "";
    };
    const signedIn = async (): Promise<unknown> => JSON.parse((await browser.visit("/both")).text);
    return { browser, begin, signedIn };
  };

  it("have sign-ins of their own in one session", async () => {
    const { browser, begin, signedIn } = bothDoors();
    await browser.visit(await begin("/auth"));
    expect(await signedIn()).toEqual([true, false]);
    await browser.visit(await begin("/partner/auth"));
    expect(await signedIn()).toEqual([true, true]);
    expect(stage.tokens.records.size).toBe(2);
    expect(sessionsOf(stage)).toHaveLength(1);
    expect(browser.cookies.size).toBe(1);
    const [first, second] = stage.talkdesk.requests.to("token").map(({ clientId }) => clientId);
    expect(first).not.toBe(second);
  });

  it("can be begun side by side; the one that comes second begins again, to where it was", async () => {
    const { browser, begin, signedIn } = bothDoors();
    const [one, two] = [await begin("/auth"), await begin("/partner/auth")];
    expect((await browser.visit(one)).to).toBe("/from/auth");
    // The session is another one now. Nobody knows that the same browser had begun this login.
    const late = await browser.visit(two);
    expect(late.status).toBe(400);
    expect(late.text).toContain('href="login?returnTo=%2Ffrom%2Fpartner%2Fauth"');
    expect((await browser.visit(await begin("/partner/auth"))).to).toBe("/from/partner/auth");
    expect(await signedIn()).toEqual([true, true]);
  });

  it("take no callback of each other", async () => {
    const { browser, begin, signedIn } = bothDoors();
    const [one, two] = [await begin("/auth"), await begin("/partner/auth")];
    const crossed = [one.replace("/auth/", "/partner/auth/"), two.replace("/partner/auth/", "/auth/")];
    for (const callback of crossed) expect((await browser.visit(callback)).status).toBe(400);
    expect(stage.talkdesk.requests.to("token")).toEqual([]);
    await browser.visit(one);
    expect(await signedIn()).toEqual([true, false]);
    await browser.visit(await begin("/partner/auth"));
    expect(await signedIn()).toEqual([true, true]);
  });

  it("keep apart what they put into the session", async () => {
    const { browser, begin } = bothDoors();
    await browser.visit(await begin("/auth"));
    await browser.visit(await begin("/partner/auth"));
    const [session] = sessionsOf(stage);
    const { talkdeskLogins } = session as { talkdeskLogins: Record<string, { signIn: { key: string } }> };
    const keys = Object.values(talkdeskLogins).map(({ signIn }) => signIn.key);
    expect(new Set(keys)).toEqual(new Set(stage.tokens.records.keys()));
    expect(keys).toHaveLength(2);
  });

  it("are left one by one", async () => {
    const { browser, begin, signedIn } = bothDoors();
    await browser.visit(await begin("/auth"));
    await browser.visit(await begin("/partner/auth"));
    const before = [...browser.cookies.values()];
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
    expect(await signedIn()).toEqual([false, true]);
    expect([...browser.cookies.values()]).not.toEqual(before);
    expect(stage.tokens.records.size).toBe(1);
    expect((await browser.visit("/partner/auth/logout", { method: "POST" })).status).toBe(303);
    expect(await signedIn()).toEqual([false, false]);
    expect(stage.tokens.records.size).toBe(0);
    expect(sessionsOf(stage)).toEqual([]);
    expect(stage.errors).toEqual([]);
  });

  it("say who helps each for itself", async () => {
    const browser = stage.browser();
    expect((await browser.visit("/auth/callback")).text).toContain("help@example.com");
    expect((await browser.visit("/partner/auth/callback")).text).toContain("partners@example.com");
  });
});
