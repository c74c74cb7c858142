import { afterEach, describe, expect, it } from "vitest";
import type { Browser } from "./support/browser.js";
import {
  grantsOf,
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  whoIs,
} from "./support/login-stage.js";
import { frameworks } from "./support/served.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage({ emulator: { login: "page" }, ...options });
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

/** Begins a login and lets one of Talkdesk's users in; gives the address that the browser is sent back to. */
async function toTalkdeskAs(browser: Browser, place: 0 | 1, query = ""): Promise<string> {
  const begun = await browser.visit(`/auth/login${query}`);
  const { text } = await browser.visit(begun.to ?? "");
  const users = [...text.matchAll(/name="user" value="(\w+)"/g)].map(([, id]) => id ?? "");
  const address = new URL(begun.to ?? "");
  address.searchParams.set("login_hint", users[place] ?? "");
  return (await browser.visit(address.href)).to ?? "";
}

/** Has a browser use the session of another, as if a stranger had planted the cookie. */
function plant(from: Browser, into: Browser): void {
  for (const [name, value] of from.cookies) into.cookies.set(name, value);
}

/** Changes what is in the store of sessions. */
function rewriteSessions(rewrite: (text: string) => string): void {
  const { sessions } = stage.sessions as unknown as { sessions: Record<string, string> };
  for (const [id, text] of Object.entries(sessions)) sessions[id] = rewrite(text);
}

describe.each(frameworks)(
  "a login that a stranger has begun in a browser's session, in %s,",
  (_name, framework) => {
    it("signs nobody in when the app itself has changed the session's id and kept what was in it", async () => {
      await open({
        framework,
        place: (app, login) => {
          app.use("/auth", login);
          app.post("/own-login", (request, response, next) => {
            const { cookie: _cookie, ...data } = request.session;
            request.session.regenerate((error) => {
              if (error) {
                next(error);
                return;
              }
              Object.assign(request.session, data);
              response.end();
            });
          });
        },
      });
      const [stranger, victim] = [stage.browser(), stage.browser()];
      const trap = await toTalkdeskAs(stranger, 1, "?returnTo=/there");
      plant(stranger, victim);
      await victim.visit("/own-login", { method: "POST" });
      const page = await victim.visit(trap);
      expect(page.status).toBe(400);
      expect(page.text).toContain('href="login?returnTo=%2Fthere"');
      expect((await whoIs(victim)).isSignedIn).toBe(false);
      expect(grantsOf(stage)).toEqual([]);
    });

    it.each([
      ["session", /,"session":"[^"]+"/],
      ["nonce", /,"nonce":"[^"]+"/],
    ])("signs nobody in when its record has lost its %s", async (_what, member) => {
      await open({ framework });
      const browser = stage.browser();
      const callback = await toTalkdeskAs(browser, 0);
      rewriteSessions((text) => {
        expect(text).toMatch(member);
        return text.replace(member, "");
      });
      expect((await browser.visit(callback)).status).toBe(400);
      expect(grantsOf(stage)).toEqual([]);
    });
  },
);
