import { connect } from "node:net";
import formbody from "@fastify/formbody";
import {
  requireLogin,
  type TalkdeskLoginOptions,
  talkdeskLogin,
  talkdeskPlugin,
} from "@talkdesk-oauth/fastify";
import { LoginFailure } from "@talkdesk-oauth/login";
import Fastify, { type FastifyInstance } from "fastify";
import { describe, expect, it } from "vitest";
import { loginOptions } from "./support/logins.js";
import { registerSessions } from "./support/session-store.js";

async function openApp(
  options: Partial<TalkdeskLoginOptions> = {},
  app: FastifyInstance = Fastify(),
): Promise<FastifyInstance> {
  const login = talkdeskLogin({ ...loginOptions(), ...options });
  await app.register(talkdeskPlugin, { login, prefix: "/auth" });
  app.get("/", async (request) => ({ user: (await login.user(request)) ?? null }));
  return app;
}

/** Sends lines as they are, and gives all that comes back. */
async function exchange(app: FastifyInstance, lines: readonly string[]): Promise<string> {
  const { port } = new URL(await app.listen({ port: 0, host: "127.0.0.1" }));
  const socket = connect({ port: Number(port), host: "127.0.0.1" });
  socket.write([...lines, "Connection: close", "", ""].join("\r\n"));
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk);
  await app.close();
  return Buffer.concat(chunks).toString();
}

describe("a form of POST /logout", () => {
  const payload = "returnTo=%2Fgoodbye";
  const type = "application/x-www-form-urlencoded";

  it.each([
    ["without a parser", async () => Fastify()],
    [
      "with @fastify/formbody",
      async () => {
        const app = Fastify();
        await app.register(formbody);
        return app;
      },
    ],
  ])("is read %s", async (_how, open) => {
    const app = await openApp({}, await open());
    const answer = await app.inject({
      method: "POST",
      url: "/auth/logout",
      payload,
      headers: { "content-type": `${type}; charset=utf-8` },
    });
    expect([answer.statusCode, answer.headers.location]).toEqual([303, "/goodbye"]);
  });

  it.each([
    ["another type", { "content-type": "application/json" }, payload],
    ["a type that no parser knows", { "content-type": "image/png" }, payload],
    ["no type", {}, payload],
    ["more than any form needs", { "content-type": type }, `${payload}&x=${"x".repeat(100_000)}`],
  ])("with %s signs out and leads to the first page", async (_what, headers, body) => {
    const app = await openApp();
    const answer = await app.inject({ method: "POST", url: "/auth/logout", payload: body, headers });
    expect([answer.statusCode, answer.headers.location]).toEqual([303, "/"]);
  });

  it("leaves the parsers of the app as they are", async () => {
    const app = await openApp();
    app.post("/json", async ({ body }) => body);
    expect((await app.inject({ method: "POST", url: "/json", payload: { a: 1 } })).json()).toEqual({ a: 1 });
    const unknown = { method: "POST", url: "/json", payload, headers: { "content-type": type } } as const;
    expect((await app.inject(unknown)).statusCode).toBe(415);
  });
});

describe("a request to the login", () => {
  it("whose target is a whole address begins a login of this app", async () => {
    const answer = await exchange(await openApp(), [
      "GET http://evil.example/auth/login HTTP/1.1",
      "Host: evil.example",
    ]);
    expect(answer).toMatch(/^HTTP\/1\.1 302/);
    expect(answer).not.toContain("evil.example");
  });

  it("without a header Host begins a login", async () => {
    const answer = await exchange(await openApp(), ["GET /auth/login HTTP/1.0"]);
    expect(answer).toMatch(/^HTTP\/1\.[01] 302/);
  });

  it("keeps the headers of the app, and adds to Vary", async () => {
    const app = Fastify();
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("Vary", "Origin").header("X-Own", "1").header("Set-Cookie", "own=1");
    });
    await openApp({}, app);
    app.get("/closed", { preHandler: requireLogin() }, async () => "");
    const begun = await app.inject("/auth/login");
    expect(begun.headers["x-own"]).toBe("1");
    expect(begun.headers["set-cookie"]).toEqual(["own=1", expect.stringMatching(/^talkdesk-session=/)]);
    expect((await app.inject("/closed")).headers["vary"]).toBe("Origin, Accept");
  });

  it("that the login does not know goes to the app's own page", async () => {
    const app = Fastify({ routerOptions: { caseSensitive: false } });
    app.setNotFoundHandler((_request, reply) => reply.code(404).send("own page"));
    await openApp({}, app);
    expect((await app.inject("/auth/LOGIN")).body).toBe("own page");
    expect((await app.inject("/auth/login")).statusCode).toBe(302);
  });
});

describe("onError", () => {
  it("answers as a handler does, with what the login has to say to the browser", async () => {
    const failures: LoginFailure[] = [];
    const app = await openApp({
      onError(failure, { url }, reply) {
        failures.push(failure);
        return reply.code(418).send({ url });
      },
    });
    const answer = await app.inject("/auth/callback?state=none");
    expect([answer.statusCode, answer.json()]).toEqual([418, { url: "/auth/callback?state=none" }]);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
    expect(failures).toEqual([expect.any(LoginFailure)]);
  });

  it("may give a Web response with a stream and several cookies", async () => {
    const app = await openApp({
      onError() {
        const headers = new Headers([["Set-Cookie", "a=1"]]);
        headers.append("Set-Cookie", "b=2");
        return new Response(new Blob(["own ", "page"]).stream(), { status: 400, headers });
      },
    });
    const answer = await app.inject("/auth/callback?state=none");
    expect([answer.statusCode, answer.body]).toEqual([400, "own page"]);
    expect(answer.headers["set-cookie"]).toEqual(["a=1", "b=2"]);
  });

  it("leaves errors of the app to its error handler, and what it throws itself", async () => {
    const [fault, own] = [new Error("no client"), new Error("no page")];
    const errors: unknown[] = [];
    const app = Fastify();
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      return reply.code(500).send();
    });
    await openApp(
      {
        client: () => Promise.reject(fault),
        onError() {
          throw own;
        },
      },
      app,
    );
    const answer = await app.inject("/auth/login");
    expect(answer.statusCode).toBe(500);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", "referrer-policy": "no-referrer" });
    await app.inject("/auth/callback?state=none");
    expect(errors).toEqual([fault, own]);
  });
});

describe("sessions", () => {
  it("of an app are asked for by the option session, once for each request", async () => {
    let sessions = 0;
    const app = await openApp({
      session() {
        sessions += 1;
        const nothing = async (): Promise<undefined> => undefined;
        return { id: "1", read: nothing, write: nothing, renew: nothing, drop: nothing };
      },
    });
    expect((await app.inject("/")).json()).toEqual({ user: null });
    expect(sessions).toBe(1);
    const begun = await app.inject("/auth/login");
    expect([begun.statusCode, begun.headers["set-cookie"]]).toEqual([302, undefined]);
  });

  it("of @fastify/session must be there before the login", async () => {
    const app = await openApp();
    await registerSessions(app, loginOptions().store);
    const answer = await app.inject("/");
    expect([answer.statusCode, answer.json().message]).toEqual([
      500,
      expect.stringContaining("register it before talkdeskPlugin"),
    ]);
  });

  it("have a Secure cookie of this host alone when redirectUri is https", async () => {
    const app = await openApp({ redirectUri: "https://app.example.com/auth/callback" });
    const { headers } = await app.inject({ url: "/auth/login", headers: { host: "evil.example" } });
    expect(headers["set-cookie"]).toMatch(/^__Host-talkdesk-session=.+; Secure;/);
    expect(new URL(String(headers.location)).searchParams.get("redirect_uri")).toBe(
      "https://app.example.com/auth/callback",
    );
  });
});

describe("requireLogin()", () => {
  it.each([
    ["is missing", async (app: FastifyInstance) => void app],
    ["comes later", async (app: FastifyInstance) => void (await openApp({}, app))],
  ])("is an error of the app when talkdeskPlugin %s", async (_when, finish) => {
    const app = Fastify();
    app.addHook("onRequest", requireLogin());
    app.get("/page", async () => "never");
    await finish(app);
    const answer = await app.inject("/page");
    expect([answer.statusCode, answer.json().message]).toEqual([
      500,
      expect.stringContaining("await app.register(talkdeskPlugin"),
    ]);
  });

  it("for a whole scope leaves the login open", async () => {
    const app = await openApp();
    app.addHook("onRequest", requireLogin());
    app.get("/page", async () => "never");
    const headers = { accept: "text/html" };
    const page = await app.inject({ url: "/page?a=1", headers });
    expect([page.statusCode, page.headers.location]).toEqual([302, "/auth/login?returnTo=%2Fpage%3Fa%3D1"]);
    expect((await app.inject({ url: "/auth/login", headers })).statusCode).toBe(302);
  });

  it("leads back to the page that the browser asked for when the app rewrites addresses", async () => {
    const app = await openApp({}, Fastify({ rewriteUrl: ({ url = "" }) => url.replace(/^\/portal/, "") }));
    app.get("/page", { preHandler: requireLogin({ login: "/portal/auth/login" }) }, async () => "never");
    const page = await app.inject({ url: "/portal/page", headers: { accept: "text/html" } });
    expect(page.headers.location).toBe("/portal/auth/login?returnTo=%2Fportal%2Fpage");
  });
});

it.each([
  ["session", { session: "cookie" }],
  ["onError", { onError: 500 }],
  ["unknown", { unknown: true }],
])("talkdeskLogin() refuses %s", (name, options) => {
  const wrong = { ...loginOptions(), ...options } as unknown as TalkdeskLoginOptions;
  expect(() => talkdeskLogin(wrong)).toThrow(TypeError);
  expect(() => talkdeskLogin(wrong)).toThrow(name);
});
