import { talkdesk, talkdeskLogin, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify, { type FastifyRequest } from "fastify";
import { describe, expect, it } from "vitest";
import { loginOptions } from "./support/logins.js";
import { sourceOf } from "./support/sources.js";

/** The value of a request's token; null without `request.talkdesk`. */
const tokenOf = async (request: FastifyRequest): Promise<string | null> =>
  request.talkdesk ? (await request.talkdesk.getToken()).value : null;
const answerToken = async (request: FastifyRequest): Promise<object> => ({ token: await tokenOf(request) });

describe("talkdeskPlugin", () => {
  it("serves the scope that registers it and the scopes within, and no other", async () => {
    const app = Fastify();
    app.register(async (scope) => {
      await scope.register(talkdeskPlugin, { source: sourceOf("a") });
      scope.get("/own", answerToken);
      scope.register(async (within) => void within.get("/within", answerToken));
    });
    app.get("/outside", async (request) => ({ has: "talkdesk" in request }));
    expect((await app.inject("/own")).json()).toEqual({ token: "a" });
    expect((await app.inject("/within")).json()).toEqual({ token: "a" });
    expect((await app.inject("/outside")).json()).toEqual({ has: false });
  });

  it("gives each request its own tokens, also to two at the same time", async () => {
    const app = Fastify();
    await app.register(talkdeskPlugin, {
      source: async ({ headers }) => {
        await new Promise((resolve) => setTimeout(resolve, headers["tenant"] === "a" ? 20 : 0));
        return headers["tenant"] === undefined ? undefined : sourceOf(String(headers["tenant"]));
      },
    });
    app.get("/", answerToken);
    const ask = async (headers: Record<string, string>): Promise<unknown> =>
      (await app.inject({ url: "/", headers })).json().token;
    expect(await Promise.all([ask({ tenant: "a" }), ask({ tenant: "b" }), ask({})])).toEqual([
      "a",
      "b",
      null,
    ]);
  });

  it("in a scope within replaces the tokens of the scope around, also by none", async () => {
    const app = Fastify();
    await app.register(talkdeskPlugin, { source: sourceOf("a") });
    app.get("/a", answerToken);
    app.register(async (scope) => {
      await scope.register(talkdeskPlugin, {
        source: ({ headers }) => (headers["tenant"] ? sourceOf("b") : undefined),
      });
      scope.get("/b", answerToken);
    });
    expect((await app.inject("/a")).json()).toEqual({ token: "a" });
    expect((await app.inject({ url: "/b", headers: { tenant: "b" } })).json()).toEqual({ token: "b" });
    expect((await app.inject("/b")).json()).toEqual({ token: null });
  });

  it("reaches pages that are not found", async () => {
    const app = Fastify();
    await app.register(talkdeskPlugin, { source: sourceOf("a") });
    app.setNotFoundHandler(answerToken);
    expect((await app.inject("/nowhere")).json()).toEqual({ token: "a" });
  });

  it("mounts the routes of a login beneath prefixes, also those with parameters", async () => {
    const app = Fastify();
    app.register(
      async (scope) => {
        await scope.register(talkdeskPlugin, {
          login: talkdeskLogin(loginOptions()),
          prefix: "/:team/auth/",
        });
      },
      { prefix: "/deep" },
    );
    const { statusCode, headers } = await app.inject("/deep/sales/auth/login");
    expect([statusCode, headers.location]).toEqual([
      302,
      expect.stringContaining("https://acme.talkdeskid.eu/"),
    ]);
    expect((await app.inject("/sales/auth/login")).statusCode).toBe(404);
  });

  it("lets people sign out when their tokens cannot be had", async () => {
    const app = Fastify();
    const login = Object.assign(talkdeskLogin(loginOptions()), {
      source: async () => {
        throw new Error("the store is down");
      },
    });
    await app.register(talkdeskPlugin, { login, prefix: "/auth" });
    app.get("/", answerToken);
    expect((await app.inject("/")).statusCode).toBe(500);
    expect((await app.inject({ method: "POST", url: "/auth/logout" })).statusCode).toBe(303);
  });

  it.each([
    ["nothing", {}, "one of its options login and source"],
    ["both", { login: talkdeskLogin(loginOptions()), source: sourceOf("a") }, "one of its options"],
    ["an unknown option", { source: sourceOf("a"), sources: [] }, "sources"],
    ["a login as a source", { source: talkdeskLogin(loginOptions()) }, "login.source"],
    ["no source", { source: "token" }, "token source"],
  ])("refuses %s", async (_what, options, words) => {
    const app = Fastify();
    const registering = async (): Promise<void> =>
      void (await app.register(talkdeskPlugin, options as object));
    await expect(registering()).rejects.toThrow(TypeError);
    await expect(registering()).rejects.toThrow(words);
  });
});

describe("talkdesk()", () => {
  it("gives one route a source, without the plugin", async () => {
    const app = Fastify();
    app.get("/", { onRequest: talkdesk(sourceOf("a")) }, answerToken);
    app.get("/other", { onRequest: talkdesk(async () => sourceOf("b")) }, answerToken);
    expect((await app.inject("/")).json()).toEqual({ token: "a" });
    expect((await app.inject("/other")).json()).toEqual({ token: "b" });
  });

  it("is an error of the app when the function gives something else, or throws", async () => {
    const app = Fastify();
    const errors: unknown[] = [];
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      return reply.code(500).send();
    });
    app.get("/wrong", { onRequest: talkdesk((() => "token") as never) }, answerToken);
    const fault = new Error("no tenant");
    app.get("/throws", { onRequest: talkdesk(() => Promise.reject(fault)) }, answerToken);
    for (const url of ["/wrong", "/throws"]) expect((await app.inject(url)).statusCode).toBe(500);
    expect(errors).toEqual([expect.any(TypeError), fault]);
  });
});
