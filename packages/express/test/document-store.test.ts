import session from "express-session";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginStage, openLoginStage, whoIs } from "./support/login-stage.js";

let stage: LoginStage;
afterEach(() => stage[Symbol.asyncDispose]());

/** @throws Error for what MongoDB, Firestore and others do not take, or give back changed. */
function checkDocument(value: unknown, path: string): void {
  if (value === null || ["string", "boolean"].includes(typeof value)) return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value !== "object") throw new Error(`${path} is ${typeof value}`);
  const prototype = Object.getPrototypeOf(value);
  if (![Object.prototype, Array.prototype, null].includes(prototype))
    throw new Error(`${path} is no plain data`);
  for (const name of Reflect.ownKeys(value)) {
    if (Array.isArray(value) && name === "length") continue;
    const isName = typeof name === "string" && name !== "" && !/[.$\0]|^__.*__$/.test(name);
    if (!isName || name in Object.prototype) throw new Error(`${path} has a member ${String(name)}`);
    checkDocument((value as Record<string, unknown>)[name], `${path}/${name}`);
  }
}

describe("a store of sessions that keeps documents", () => {
  it.each([
    ["with one client", {}],
    ["with PKCE and a place to return to", { pkce: true }],
  ])(
    "takes all that a login %s puts into a session, and nobody is signed out by it",
    async (_what, login) => {
      const names = new Set<string>();
      const sessions = new (class extends session.MemoryStore {
        override set: session.MemoryStore["set"] = (id, data, callback) => {
          const { talkdeskLogins } = data as { talkdeskLogins?: object };
          try {
            checkDocument(talkdeskLogins ?? {}, "talkdeskLogins");
          } catch (error) {
            callback?.(error);
            return;
          }
          for (const name of Object.keys(talkdeskLogins ?? {})) names.add(name);
          super.set(id, data, callback);
        };
      })();
      stage = await openLoginStage({ sessions, login, publicOrigin: "https://app.example.com" });
      const browser = stage.browser();
      const toTalkdesk = async (query: string): Promise<string> => {
        const { pathname, search } = new URL(await browser.toTalkdesk(query));
        return `${pathname}${search}`;
      };
      const [first, second] = [
        await toTalkdesk("?returnTo=/a.b/$c"),
        await toTalkdesk("?talkdesk_installation_id=a.$b"),
      ];
      expect((await browser.visit(first)).to).toBe("/a.b/$c");
      expect((await browser.visit(second)).to).toBe("/");
      expect((await browser.visit(await toTalkdesk(""))).status).toBe(302);
      expect((await whoIs(browser)).isSignedIn).toBe(true);
      expect(names.size).toBe(1);
      expect(stage.errors).toEqual([]);
    },
  );
});
