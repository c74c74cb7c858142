import { randomUUID } from "node:crypto";
import type { RequestHandler } from "express";
import session from "express-session";
import { afterEach, describe, expect, it } from "vitest";
import { type LoginStage, type LoginStageOptions, openLoginStage, whoIs } from "./support/login-stage.js";

let stage: LoginStage;
const open = async (options: LoginStageOptions): Promise<LoginStage> => {
  stage = await openLoginStage(options);
  return stage;
};
afterEach(() => stage[Symbol.asyncDispose]());

/** How a middleware tells that something is done. */
type Style = "callbacks" | "promises";

/** The least that a login can work with: no way to ask the store, and no id where there is to be none. */
function plainSessions(style: Style, hasId: boolean): RequestHandler {
  const stored = new Map<string, string>();
  return (request, response, next) => {
    const at = (id: string): object => {
      const done = (work: () => void) => (callback?: () => void) => {
        if (style === "promises") return Promise.resolve().then(work);
        setImmediate(() => {
          work();
          callback?.();
        });
        return undefined;
      };
      const members = {
        save: done(() => stored.set(id, JSON.stringify(request.session))),
        regenerate: done(() => {
          stored.delete(id);
          const fresh = randomUUID();
          response.cookie("plain", fresh);
          Object.assign(request, { session: at(fresh) });
        }),
        destroy: done(() => {
          stored.delete(id);
          Object.assign(request, { session: undefined });
        }),
        ...(hasId && { id }),
      };
      const data = JSON.parse(stored.get(id) ?? "{}");
      for (const [name, value] of Object.entries(members)) Object.defineProperty(data, name, { value });
      return data;
    };
    const known = /plain=([^;]+)/.exec(request.get("cookie") ?? "")?.[1];
    const id = known !== undefined && stored.has(known) ? known : randomUUID();
    if (id !== known) response.cookie("plain", id);
    Object.assign(request, { session: at(id) });
    next();
  };
}

describe("sessions of other middleware than express-session", () => {
  it.each([
    ["callbacks", true],
    ["callbacks", false],
    ["promises", true],
    ["promises", false],
  ] as const)("carry a login when their methods use %s (with an id: %s)", async (style, hasId) => {
    await open({ sessionMiddleware: plainSessions(style, hasId) });
    const browser = stage.browser();
    const before = await browser.toTalkdesk("?returnTo=/there");
    const fixed = browser.cookies.get("plain");
    expect((await browser.visit(before)).to).toBe("/there");
    expect(browser.cookies.get("plain")).not.toBe(fixed);
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    expect((await browser.visit(before)).to).toBe("/");
    expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(303);
    expect((await whoIs(browser)).isSignedIn).toBe(false);
    expect(stage.tokens.records.size).toBe(0);
    expect(stage.errors).toEqual([]);
  });

  it.each([["regenerate"], ["save"], ["destroy"]])(
    "report an error when the promise of %s rejects",
    async (member) => {
      const plain = plainSessions("promises", true);
      let isBroken = false;
      await open({
        sessionMiddleware: (request, response, next) => {
          plain(request, response, (error?: unknown) => {
            if (isBroken) {
              const value = () => Promise.reject(new Error("the store is down"));
              const broken = Object.create(request.session, { [member]: { value } });
              Object.assign(request, { session: broken });
            }
            next(error);
          });
        },
      });
      const browser = stage.browser();
      if (member === "destroy") {
        await browser.signIn();
        isBroken = true;
        expect((await browser.visit("/auth/logout", { method: "POST" })).status).toBe(500);
      } else {
        const callback = await browser.toTalkdesk();
        isBroken = true;
        expect((await browser.visit(callback)).status).toBe(500);
      }
      expect(stage.errors).toEqual([expect.objectContaining({ message: "the store is down" })]);
      expect(stage.tokens.records.size).toBe(0);
      isBroken = false;
      expect((await whoIs(browser)).isSignedIn).toBe(false);
    },
  );

  it("carry a login when their store reports a missing session as ENOENT", async () => {
    const sessions = new (class extends session.MemoryStore {
      override get: session.MemoryStore["get"] = (id, callback) =>
        super.get(id, (error, found) => {
          if (error || found) callback(error, found);
          else callback(Object.assign(new Error("no such file"), { code: "ENOENT" }));
        });
    })();
    await open({ sessions });
    const browser = stage.browser();
    expect((await browser.signIn("?returnTo=/there")).to).toBe("/there");
    expect((await whoIs(browser)).isSignedIn).toBe(true);
    await Promise.all([1, 2].map(() => browser.visit("/auth/logout", { method: "POST" })));
    expect(stage.errors).toEqual([]);
  });

  it.each([
    ["are not there", (_request: unknown) => {}, "express-session"],
    [
      "are null, since their store is disconnected",
      (request: object) => void Object.assign(request, { session: null }),
      "disconnected",
    ],
    [
      "live in a cookie",
      (request: object) => void Object.assign(request, { session: { isNew: true } }),
      "kept on the server",
    ],
  ])("are refused with an error that says what to do when they %s", async (_what, put, words) => {
    await open({
      sessionMiddleware: (request, _response, next) => {
        put(request);
        next();
      },
    });
    for (const [path, method] of [
      ["/auth/login", "GET"],
      ["/auth/callback?state=s", "GET"],
      ["/auth/logout", "POST"],
      ["/", "GET"],
    ] as const) {
      expect((await stage.browser().visit(path, { method })).status).toBe(500);
    }
    expect(stage.errors).toHaveLength(4);
    for (const error of stage.errors) {
      expect(error).toBeInstanceOf(TypeError);
      expect(String(error)).toContain(words);
    }
  });
});
