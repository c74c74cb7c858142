import session from "express-session";
import { afterEach, describe, expect, it } from "vitest";
import type { Browser } from "./support/browser.js";
import {
  type LoginStage,
  type LoginStageOptions,
  openLoginStage,
  sessionsOf,
  whoIs,
} from "./support/login-stage.js";

let stage: LoginStage;
const open = async (options?: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

const isSignedIn = async (browser: Browser): Promise<boolean> => (await whoIs(browser)).isSignedIn;

describe("a store of sessions", () => {
  class FailingStore extends session.MemoryStore {
    failing: "get" | "set" | "destroy" | undefined;
    override get: session.MemoryStore["get"] = (id, callback) =>
      this.failing === "get" ? callback(new Error("the store is down")) : super.get(id, callback);
    override set: session.MemoryStore["set"] = (id, data, callback) =>
      this.failing === "set" ? callback?.(new Error("the store is down")) : super.set(id, data, callback);
    override destroy: session.MemoryStore["destroy"] = (id, callback) =>
      this.failing === "destroy" ? callback?.(new Error("the store is down")) : super.destroy(id, callback);
  }

  it.each(["get", "set", "destroy"] as const)(
    "signs nobody in when the store fails to %s",
    async (failing) => {
      const sessions = new FailingStore();
      await open({ sessions });
      const browser = stage.browser();
      const callback = await browser.toTalkdesk();
      sessions.failing = failing;
      const page = await browser.visit(callback);
      expect(page.status).toBe(500);
      expect(stage.errors).toEqual([expect.objectContaining({ message: "the store is down" })]);
      sessions.failing = undefined;
      expect(await isSignedIn(browser)).toBe(false);
      expect(stage.tokens.records.size).toBe(0);
      expect((await browser.signIn()).status).toBe(302);
      expect(await isSignedIn(browser)).toBe(true);
    },
  );

  it("answers 500 when the store throws", async () => {
    const sessions = new (class extends session.MemoryStore {
      override set: session.MemoryStore["set"] = () => {
        throw new Error("thrown by the store");
      };
    })();
    await open({ sessions });
    expect((await stage.browser().visit("/auth/login")).status).toBe(500);
    expect(stage.errors[0]).toMatchObject({ message: "thrown by the store" });
  });

  it.each([
    ["nothing", undefined],
    ["no logins", {}],
    ["a text", { talkdeskLogins: "x" }],
    ["null", { talkdeskLogins: null }],
    ["a list", { talkdeskLogins: [] }],
    ["half a sign-in", { signIn: {} }],
    ["a sign-in with another key", { signIn: { key: "service" } }],
    ["a sign-in that is a text", { signIn: "x".repeat(43) }],
    ["a user without an id", { signIn: { key: "k".repeat(43), user: {} } }],
    ["half a login", { pending: [{ authorization: { state: "a-state" } }] }],
    ["logins that are not a list", { pending: { 0: 1 } }],
    ["null for a login", { pending: [null, 1, "x"] }],
  ])("signs nobody in when the store answers with %s", async (_what, record) => {
    const sessions = new session.MemoryStore();
    await open({ sessions });
    const browser = stage.browser();
    await browser.signIn();
    const { sessions: texts } = sessions as unknown as { sessions: Record<string, string> };
    for (const [id, text] of Object.entries(texts)) {
      const { cookie, talkdeskLogins } = JSON.parse(text);
      const [name = ""] = Object.keys(talkdeskLogins);
      const isWhole = record === undefined || "talkdeskLogins" in record || Object.keys(record).length === 0;
      texts[id] = JSON.stringify({
        cookie,
        ...(isWhole ? record : { talkdeskLogins: { [name]: record } }),
      });
    }
    expect(await isSignedIn(browser)).toBe(false);
    expect((await browser.visit("/auth/callback?code=c&state=a-state")).status).toBe(400);
    expect((await browser.signIn()).status).toBe(302);
    expect(await isSignedIn(browser)).toBe(true);
    expect(stage.errors).toEqual([]);
  });
});

describe("a store of sessions that fails once", () => {
  it("signs nobody in and ends the earlier sign-in when it fails to save the new session", async () => {
    const sessions = new (class extends session.MemoryStore {
      failures = 0;
      saves = 0;
      override set: session.MemoryStore["set"] = (id, data, callback) => {
        this.saves += 1;
        if (this.failures > 0 && JSON.stringify(data).includes('"key"') && this.saves > 1) {
          this.failures -= 1;
          callback?.(new Error("the store is down"));
        } else super.set(id, data, callback);
      };
    })();
    await open({ sessions });
    const browser = stage.browser();
    const callback = await browser.toTalkdesk();
    sessions.failures = 1;
    expect((await browser.visit(callback)).status).toBe(500);
    expect(await whoIs(browser)).toEqual({ isSignedIn: false, user: null });
    expect(JSON.stringify(sessionsOf(stage))).not.toContain("signIn");
    expect(stage.tokens.records.size).toBe(0);

    await browser.signIn();
    const again = await browser.toTalkdesk();
    sessions.saves = 0;
    sessions.failures = 1;
    expect((await browser.visit(again)).status).toBe(500);
    expect((await whoIs(browser)).isSignedIn).toBe(false);
    expect(stage.tokens.records.size).toBe(0);
  });

  it("fails one login, and not the login that waits behind it", async () => {
    const sessions = new (class extends session.MemoryStore {
      failures = 0;
      override set: session.MemoryStore["set"] = (id, data, callback) => {
        const isFailing = this.failures-- > 0;
        setTimeout(() => {
          if (isFailing) callback?.(new Error("the store is down"));
          else super.set(id, data, callback);
        }, 50);
      };
    })();
    await open({ sessions });
    const browser = stage.browser();
    await browser.visit("/auth/login");
    sessions.failures = 1;
    const pages = await Promise.all([browser.visit("/auth/login"), browser.visit("/auth/login")]);
    expect(pages.map(({ status }) => status).sort()).toEqual([302, 500]);
  });
});

describe("a store of sessions that fails at a logout", () => {
  it("passes its error to the app", async () => {
    const sessions = new (class extends session.MemoryStore {
      isFailing = false;
      override destroy: session.MemoryStore["destroy"] = (id, callback) =>
        this.isFailing ? callback?.(new Error("the store is down")) : super.destroy(id, callback);
    })();
    await open({ sessions });
    const browser = stage.browser();
    await browser.signIn();
    sessions.isFailing = true;
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(500);
    expect(stage.errors).toEqual([expect.objectContaining({ message: "the store is down" })]);
  });
});
