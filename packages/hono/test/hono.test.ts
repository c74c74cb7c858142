import { clientCredentials, memoryStore, TalkdeskError, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import * as talkdeskHono from "@talkdesk-oauth/hono";
import {
  requireLogin,
  type TalkdeskLoginOptions,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/hono";
import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { describe, expect, it, vi } from "vitest";

const ORIGIN = "https://app.example.com";

async function openStage(options: Partial<TalkdeskLoginOptions> = {}) {
  const emulator = await startEmulator();
  const redirectUri = options.redirectUri ?? `${ORIGIN}/auth/callback`;
  const { clientId, clientSecret } = emulator.clients.add({ redirectUris: [redirectUri] });
  const client = talkdeskClientFromEnv({
    ...emulator.environment(),
    TALKDESK_CLIENT_ID: clientId,
    TALKDESK_CLIENT_SECRET: clientSecret,
  });
  const store = memoryStore();
  const login = talkdeskLogin({ client, redirectUri, store, contact: "help@example.com", ...options });
  const app = new Hono();
  app.use(talkdesk(login.source));
  app.route("/auth", login);
  app.get("/me", requireLogin(), async (c) => c.json(await login.user(c)));
  app.onError(talkdeskErrorHandler({ login: "/auth/login" }));
  let cookie = "";
  async function visit(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers({ accept: "text/html", cookie, ...init.headers });
    const answer = await app.request(`${new URL(redirectUri).origin}${path}`, { ...init, headers });
    const [line] = answer.headers.getSetCookie();
    if (line !== undefined) [cookie = ""] = line.split(";");
    return answer;
  }
  return {
    emulator,
    client,
    app,
    visit,
    async signIn() {
      const begun = await visit("/auth/login?returnTo=/me");
      const { searchParams: asked } = new URL(begun.headers.get("location") ?? "");
      const { callback } = await emulator.authorize({
        clientId,
        scope: "openid",
        state: asked.get("state") ?? "",
        nonce: asked.get("nonce") ?? "",
      });
      const { pathname, search } = new URL(callback);
      return visit(`${pathname}${search}`);
    },
    [Symbol.asyncDispose]: () => emulator.stop(),
  };
}

it("exports these names and no others", () => {
  expect(Object.keys(talkdeskHono).sort()).toEqual([
    "requireLogin",
    "talkdesk",
    "talkdeskErrorHandler",
    "talkdeskLogin",
  ]);
});

describe("a login with the sessions that it brings", () => {
  it.each([
    [ORIGIN, "__Host-talkdesk-session", true],
    ["http://localhost:3000", "talkdesk-session", false],
  ])("at %s keeps the session's id in the cookie %s", async (origin, name, isSecure) => {
    await using stage = await openStage({ redirectUri: `${origin}/auth/callback` });
    const signedIn = await stage.signIn();
    expect([signedIn.status, signedIn.headers.get("location")]).toEqual([302, "/me"]);
    const [cookie = ""] = signedIn.headers.getSetCookie();
    expect(cookie).toMatch(
      new RegExp(`^${name}=[\\w-]{43}; Path=/; ${isSecure ? "Secure; " : ""}HttpOnly; SameSite=Lax$`),
    );
    const page = await stage.visit("/me");
    expect(page.status).toBe(200);
    expect(await page.json()).toMatchObject({ sub: expect.any(String) });
    const left = await stage.visit("/auth/logout", {
      method: "POST",
      headers: { "sec-fetch-site": "same-origin" },
    });
    expect(left.status).toBe(303);
    expect((await stage.visit("/me")).headers.get("location")).toMatch(/^\/auth\/login\?/);
  });

  it("reads the way on from a logout's form that other middleware has read", async () => {
    await using stage = await openStage();
    const app = new Hono();
    app.use(async (c, next) => {
      await c.req.parseBody();
      await next();
    });
    app.route("/", stage.app);
    const body = new URLSearchParams({ returnTo: "/bye" });
    const answer = await app.request(`${ORIGIN}/auth/logout`, { method: "POST", body });
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "/bye"]);
  });

  it("answers a login that failed with onError, which knows where it began", async () => {
    const onError = vi.fn<NonNullable<TalkdeskLoginOptions["onError"]>>((failure, c) =>
      c.text(failure.restart?.returnTo ?? "nowhere", 418),
    );
    await using stage = await openStage({ onError });
    const begun = await stage.visit("/auth/login?returnTo=/me");
    const state = new URL(begun.headers.get("location") ?? "").searchParams.get("state");
    const denied = await stage.visit(`/auth/callback?error=access_denied&state=${state}`);
    expect([denied.status, await denied.text()]).toEqual([418, "/me"]);
    expect(["cache-control", "referrer-policy"].map((name) => denied.headers.get(name))).toEqual([
      "no-store",
      "no-referrer",
    ]);
  });

  it("is found beneath a base path", async () => {
    await using stage = await openStage({ redirectUri: `${ORIGIN}/api/auth/callback` });
    const app = new Hono().basePath("/api");
    app.route("/", stage.app);
    const begun = await app.request(`${ORIGIN}/api/auth/login`);
    expect(begun.headers.get("location")).toContain("/oauth/authorize?");
  });
});

describe("talkdesk()", () => {
  it("gives handlers the tokens of one source", async () => {
    await using stage = await openStage();
    const app = new Hono();
    app.use(talkdesk(clientCredentials(stage.client)));
    app.get("/users", async (c) => {
      const { fetch, getToken } = c.get("talkdesk");
      return Response.json([(await fetch("/users")).status, (await getToken()).type]);
    });
    expect(await (await app.request("/users")).json()).toEqual([200, "Bearer"]);
  });

  it("ends the wait for a token when the client disconnects", async () => {
    const app = new Hono();
    const reasons: unknown[] = [];
    app.use(
      talkdesk({
        api: "https://api.talkdeskapp.com",
        getToken: (request) =>
          new Promise((_resolve, reject) => {
            request?.signal?.addEventListener("abort", () => reject(request.signal?.reason));
          }),
      }),
    );
    app.get("/", async (c) => {
      await c
        .get("talkdesk")
        .getToken()
        .catch((error: unknown) => reasons.push(error));
      return c.text("");
    });
    const client = new AbortController();
    const answer = app.request(new Request(ORIGIN, { signal: client.signal }));
    client.abort("gone");
    await answer;
    expect(reasons).toEqual([expect.objectContaining({ name: "AbortError" })]);
  });

  it("refuses what gives no tokens", async () => {
    for (const wrong of [
      undefined,
      {},
      "source",
      Object.assign(() => undefined, { source: () => undefined }),
    ]) {
      expect(() => talkdesk(wrong as never)).toThrow(TypeError);
    }
    const app = new Hono();
    const errors: unknown[] = [];
    app.use(talkdesk((() => ({})) as never));
    app.get("/", (c) => c.text("never"));
    app.onError((error, c) => {
      errors.push(error);
      return c.text("", 500);
    });
    await app.request("/");
    expect(errors).toEqual([expect.any(TypeError)]);
  });
});

describe("requireLogin()", () => {
  it("needs talkdesk() before it", async () => {
    const app = new Hono();
    app.get("/", requireLogin(), (c) => c.text("never"));
    let thrown: unknown;
    app.onError((error, c) => {
      thrown = error;
      return c.text("", 500);
    });
    await app.request("/");
    expect(thrown).toEqual(new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."));
  });

  it("refuses options that it does not know", () => {
    expect(() => requireLogin({ logn: "/x" } as never)).toThrow(TypeError);
    expect(() => requireLogin({ login: "javascript:alert(1)" })).toThrow(TypeError);
  });
});

describe("talkdeskErrorHandler()", () => {
  const failing = (error: Error, options?: talkdeskHono.TalkdeskErrorHandlerOptions) => {
    const app = new Hono();
    app.get("/", () => {
      throw error;
    });
    app.onError(talkdeskErrorHandler(options));
    return app.request("/");
  };

  it("answers a TalkdeskError inside a client's own error", async () => {
    const cause = new TalkdeskError("token_unavailable", "The service is busy.");
    const answer = await failing(new Error("The request failed.", { cause }));
    expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
  });

  it("leaves other errors to Hono", async () => {
    expect((await failing(new HTTPException(409, { message: "taken" }))).status).toBe(409);
    const print = vi.spyOn(console, "error").mockReturnValue();
    expect((await failing(new Error("a bug"))).status).toBe(500);
    expect(print).toHaveBeenCalledOnce();
    print.mockRestore();
  });

  it("leaves other errors to the function otherwise", async () => {
    expect((await failing(new Error("a bug"), { otherwise: (_error, c) => c.text("", 418) })).status).toBe(
      418,
    );
  });

  it("refuses options that it does not know", () => {
    expect(() => talkdeskErrorHandler({ otherwise: 1 } as never)).toThrow(TypeError);
    expect(() => talkdeskErrorHandler({ lgin: "/x" } as never)).toThrow(TypeError);
  });
});

describe("talkdeskLogin()", () => {
  it("refuses options that it does not know", async () => {
    await expect(openStage({ session: "mine" } as never)).rejects.toThrow("session must be a function.");
    await expect(openStage({ sesion: () => undefined } as never)).rejects.toThrow(TypeError);
  });
});
