import { createHash } from "node:crypto";
import { inspect } from "node:util";
import {
  clientSecretBasic,
  finishAuthorization,
  isTalkdeskError,
  type PendingAuthorization,
  startAuthorization,
  type TalkdeskClient,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CODE, type LoginHost, loginHost, REDIRECT_URI } from "./support/login-fixture.js";
import { failure, json, rejection, reset, text } from "./support/token-endpoint.js";

const client = talkdeskClient({
  account: "acme",
  authentication: clientSecretBasic({ clientId: "client-1", clientSecret: "secret-canary-1" }),
});

const start = (options: Partial<Parameters<typeof startAuthorization>[1]> = {}, from = client) =>
  startAuthorization(from, { redirectUri: REDIRECT_URI, ...options });

describe("startAuthorization", () => {
  it("sends the user to the authorize endpoint with a new state and a new nonce", async () => {
    const pending = await start({ scope: ["openid", "refresh_token", "openid"] });
    const url = new URL(pending.url);
    expect(url.origin + url.pathname).toBe("https://acme.talkdeskid.com/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: "client-1",
      redirect_uri: REDIRECT_URI,
      scope: "openid refresh_token",
      state: pending.state,
      nonce: pending.nonce,
    });
    expect(pending.url).toContain("scope=openid%20refresh_token");
    expect(Object.keys(pending).sort()).toEqual(["nonce", "redirectUri", "state", "url"]);
    expect(JSON.parse(JSON.stringify(pending))).toEqual(pending);
  });

  it("draws 32 new random bytes for each value", async () => {
    const logins = await Promise.all(Array.from({ length: 50 }, () => start({ pkce: true })));
    const drawn = logins.flatMap(({ state, nonce, codeVerifier }) => [state, nonce, codeVerifier ?? ""]);
    expect(new Set(drawn).size).toBe(150);
    for (const text of drawn) {
      expect(text).toMatch(/^[\w-]{43}$/);
      expect(Buffer.from(text, "base64url")).toHaveLength(32);
    }
  });

  it("sends a PKCE challenge when asked to, and keeps the verifier back", async () => {
    const pending = await start({ pkce: true });
    const { searchParams } = new URL(pending.url);
    const { codeVerifier = "" } = pending;
    expect(searchParams.get("code_challenge")).toBe(
      createHash("sha256").update(codeVerifier).digest("base64url"),
    );
    expect(searchParams.get("code_challenge_method")).toBe("S256");
    expect(pending.url).not.toContain(codeVerifier);
  });

  it("sends further parameters, and keeps the query of the endpoint", async () => {
    const authorize = "https://id.example/authorize?tenant=a%2Bb";
    const from: TalkdeskClient = { ...client, endpoints: { ...client.endpoints, authorize } };
    const { searchParams } = new URL((await start({ extra: { login_hint: "a+b c@d.example" } }, from)).url);
    expect([searchParams.get("tenant"), searchParams.get("login_hint")]).toEqual(["a+b", "a+b c@d.example"]);
  });

  it.each(["http://127.0.0.1:3000/cb", "http://localhost/cb", "http://[::1]/cb", "https://a.example/cb?x=1"])(
    "takes the redirect URI %s as it is",
    async (redirectUri) => {
      const pending = await start({ redirectUri });
      expect([pending.redirectUri, new URL(pending.url).searchParams.get("redirect_uri")]).toEqual([
        redirectUri,
        redirectUri,
      ]);
    },
  );

  it.each([
    "",
    "/callback",
    "app.example/callback",
    "http://app.example/cb",
    "myapp://cb",
    "https://a.example/cb#x",
    "https://a.example/cb#",
    "https://u:p@a.example/cb",
    " https://a.example/cb",
    "https://a.example/c\nb",
    undefined,
    null,
    1,
  ])("refuses the redirect URI %j", async (redirectUri) => {
    const error = await rejection(start({ redirectUri: redirectUri as string }));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/redirectUri/);
  });

  it.each([
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "client_secret",
    "State",
  ])("refuses %s among the further parameters", async (name) => {
    const error = await rejection(start({ extra: { [name]: "extra-canary" } }));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toContain(name);
    expect(String(error)).not.toContain("extra-canary");
  });

  it.each([{ extra: null }, { extra: { a: 1 } }, { pkce: "yes" }, { scope: "" }, { scope: 'a"b' }])(
    "refuses %j",
    async (options) => {
      expect(await rejection(start(options as never))).toBeInstanceOf(TypeError);
    },
  );

  it("needs the client's id", async () => {
    const nameless = talkdeskClient({ account: "acme", authentication: () => {} });
    const error = await rejection(start({}, nameless));
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/clientId/);
    expect(await rejection(finishAuthorization(nameless, "", await start()))).toBeInstanceOf(TypeError);
  });
});

describe("finishAuthorization", () => {
  let host: LoginHost;
  let pending: PendingAuthorization;

  beforeEach(async () => {
    host = await loginHost();
    pending = await start({ pkce: true }, host.client);
  });

  afterEach(() => host[Symbol.asyncDispose]());

  const finish = (
    callback: URL | URLSearchParams | string,
    options?: Parameters<typeof finishAuthorization>[3],
  ) => finishAuthorization(host.client, callback, pending, options);

  const query = (parameters: Record<string, string> = {}): string =>
    new URLSearchParams({ code: CODE, state: pending.state, ...parameters }).toString();

  it("exchanges the code with the redirect URI and the verifier of its login", async () => {
    const { token, claims } = await finish(query());
    expect([token.value, claims]).toEqual(["at-canary-1", undefined]);
    expect(host.exchanges.map((body) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
      {
        grant_type: "authorization_code",
        code: CODE,
        redirect_uri: REDIRECT_URI,
        code_verifier: pending.codeVerifier,
      },
    ]);
  });

  it("takes a login after a round trip through JSON", async () => {
    pending = JSON.parse(JSON.stringify(pending));
    expect((await finish(query())).token.value).toBe("at-canary-1");
  });

  it.each<[string, (text: string) => URL | URLSearchParams | string]>([
    ["a URL", (text) => new URL(`${REDIRECT_URI}?${text}`)],
    ["parameters", (text) => new URLSearchParams(text)],
    ["a whole URL", (text) => `${REDIRECT_URI}?${text}`],
    ["a whole URL with a fragment", (text) => `${REDIRECT_URI}?${text}#_=_`],
    ["a path", (text) => `/callback?${text}`],
    ["a relative path", (text) => `callback?${text}`],
    ["a query", (text) => text],
    ["a query with its mark", (text) => `?${text}`],
    ["a query with another mark inside", (text) => `${text}&note=why?`],
    ["a query with unknown parameters", (text) => `${text}&session_state=1&iss_=2`],
  ])("reads the callback from %s", async (_, form) => {
    expect((await finish(form(query()))).token.value).toBe("at-canary-1");
  });

  it.each([undefined, null, 1, {}, ["?state=1"]])("refuses %j as a callback", async (callback) => {
    expect(await rejection(finish(callback as never))).toBeInstanceOf(TypeError);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a string", "pending"],
    ["no state", { state: undefined }],
    ["an empty state", { state: "" }],
    ["a nonce that is no string", { nonce: 1 }],
    ["an empty verifier", { codeVerifier: "" }],
    ["no redirect URI", { redirectUri: undefined }],
    ["another redirect URI", { redirectUri: "http://evil.example" }],
    ["no URL", { url: undefined }],
    ["a malformed URL", { url: "sent" }],
  ])("refuses a login with %s", async (_, changes) => {
    const broken = typeof changes === "object" && changes !== null ? { ...pending, ...changes } : changes;
    const call = finishAuthorization(host.client, query(), broken as PendingAuthorization);
    expect(await rejection(call)).toBeInstanceOf(TypeError);
    expect(host.exchanges).toEqual([]);
  });

  it.each(["https://id.example", [1], null].map((issuers) => [issuers]))(
    "refuses the issuers %j",
    async (issuers) => {
      expect(await rejection(finish(query(), { issuers: issuers as never }))).toBeInstanceOf(TypeError);
    },
  );

  it("checks the state first", async () => {
    const { state } = pending;
    const others = ["", "x", state.slice(1), `${state}x`, state.toLowerCase().replace(/./, "-")];
    const callbacks = [
      `code=${CODE}`,
      ...others.map((other) => `code=${CODE}&state=${other}`),
      `code=${CODE}&state=${state}&state=${state}`,
      `error=access_denied&state=wrong`,
      `error=access_denied`,
      `iss=https://evil.example`,
    ];
    for (const callback of callbacks) expect((await failure(finish(callback))).code).toBe("state_mismatch");
    expect(host.exchanges).toEqual([]);
  });

  it("refuses the callback of another login", async () => {
    const other = await start({}, host.client);
    expect((await failure(finish(query({ state: other.state })))).code).toBe("state_mismatch");
    expect(host.exchanges).toEqual([]);
  });

  it("says who denied a login", async () => {
    const { state } = pending;
    const denied = await failure(finish(`error=access_denied&error_description=No%0Away&state=${state}`));
    expect(denied).toMatchObject({
      code: "authorization_denied",
      retryable: false,
      error: "access_denied",
      errorDescription: "No\\u000away",
    });
    const failed = await failure(finish(`error=invalid_scope&state=${state}&code=${CODE}`));
    expect(failed).toMatchObject({ code: "authorization_failed", retryable: false, error: "invalid_scope" });
    expect(host.exchanges).toEqual([]);
  });

  it("takes exactly one code, of limited length", async () => {
    const { state } = pending;
    const codes = ["", "code=", `code=${CODE}&code=${CODE}`, `code=${"x".repeat(4_097)}`];
    for (const code of codes) {
      expect((await failure(finish(`${code}&state=${state}`))).code).toBe("authorization_failed");
    }
    expect(host.exchanges).toEqual([]);
    expect((await finish(query({ code: "x".repeat(4_096) }))).token.value).toBe("at-canary-1");
  });

  it("checks the issuer that the callback names, if it names one", async () => {
    expect((await failure(finish(query({ iss: "https://evil.example" })))).code).toBe("authorization_failed");
    expect((await failure(finish(`${query({ iss: host.origin })}&iss=x`))).code).toBe("authorization_failed");
    expect(host.exchanges).toEqual([]);
    expect((await finish(query({ iss: host.origin }))).token.value).toBe("at-canary-1");
    const options = { issuers: ["https://id.example"] };
    expect((await finish(query({ iss: "https://id.example" }), options)).token.value).toBe("at-canary-1");
    expect((await failure(finish(query({ iss: host.origin }), options))).code).toBe("authorization_failed");
  });

  it("distinguishes a refused code from other refusals", async () => {
    host.tokenAnswer = json(400, { error: "invalid_grant", error_description: "expired" });
    expect(await failure(finish(query()))).toMatchObject({
      code: "authorization_failed",
      retryable: false,
      status: 400,
      error: "invalid_grant",
      errorDescription: "expired",
      message: expect.stringMatching(/^The code has expired.*start again\.$/),
    });
    host.tokenAnswer = json(401, { error: "invalid_client" });
    expect(await failure(finish(query()))).toMatchObject({ code: "client_refused", retryable: false });
    host.tokenAnswer = json(503, {});
    expect(await failure(finish(query()))).toMatchObject({ code: "token_unavailable", retryable: false });
    expect(host.exchanges).toHaveLength(3);
  });

  it("sends a code once, also when the answer is lost", async () => {
    host.tokenAnswer = reset;
    expect(await failure(finish(query()))).toMatchObject({ code: "token_network", retryable: false });
    expect(host.exchanges).toHaveLength(1);
  });

  it("is never retryable, even when nothing was sent", async () => {
    const authentication = Object.assign(() => Promise.reject(new Error("vault")), { clientId: "client-1" });
    const call = finishAuthorization(host.clientWith({ authentication }), query(), pending);
    expect(await failure(call)).toMatchObject({ code: "credentials_unavailable", retryable: false });
  });

  it("ends with the signal's own reason", async () => {
    const reason = new Error("the user left");
    expect(await rejection(finish(query(), { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    host.tokenAnswer = () => controller.abort(reason);
    expect(await rejection(finish(query(), { signal: controller.signal }))).toBe(reason);
  });

  it("rejects any query with a TalkdeskError, and sends nothing without the right state", async () => {
    const names = ["code", "state", "error", "error_description", "iss", "scope", ""];
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.constantFrom("access_denied", host.origin, CODE, "\ud800", "%"),
    );
    const parameters = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...names), fc.string()), value));
    const callbacks = fc.oneof(
      parameters.map((list) => list.map(([name, text]) => `${name}=${text}`).join("&")),
      parameters.map((list) => new URLSearchParams(list)),
      fc.string({ unit: "binary" }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
    );
    await fc.assert(
      fc.asyncProperty(callbacks, async (callback) => {
        const error = await rejection(finish(callback));
        expect(isTalkdeskError(error) && error.code).toBe("state_mismatch");
      }),
      { numRuns: 500 },
    );
    await fc.assert(
      fc.asyncProperty(parameters, async (list) => {
        const others = list.filter(([name]) => name !== "state" && name !== "code");
        const callback = new URLSearchParams([...others, ["state", pending.state]]);
        const error = await rejection(finish(callback));
        expect(isTalkdeskError(error) && error.code).toMatch(/^authorization_(?:denied|failed)$/);
      }),
    );
    expect(host.exchanges).toEqual([]);
  });

  it("are masked also where an answer repeats them at the place where it is cut", async () => {
    for (const secret of [pending.state, pending.nonce, pending.codeVerifier ?? "", CODE]) {
      for (const length of [230, 240, 250]) {
        const told = `${"-".repeat(length)}${secret}`;
        for (const answer of [
          json(400, { error: "invalid_grant", error_description: told }),
          json(400, { error: told, error_description: told }),
          text(200, "", { "content-type": `text/html; x=${told.slice(20)}` }),
        ]) {
          host.tokenAnswer = answer;
          const error = await failure(finish(query()));
          const shown = `${inspect(error, { depth: 9, showHidden: true })} ${JSON.stringify(error)}`;
          expect(shown).not.toContain(secret.slice(0, 5));
        }
      }
    }
  });

  it("keeps code, state, nonce and verifier out of every error", async () => {
    const { state, nonce, codeVerifier = "" } = pending;
    const secrets = [state, nonce, codeVerifier, CODE];
    const told = secrets.join(" ");
    const spoken = { error: `e ${CODE} ${state}`, error_description: told };
    const answers = [
      json(400, { ...spoken, error: "invalid_grant" }),
      json(400, spoken),
      json(401, { ...spoken, error: "invalid_client" }),
      json(500, spoken),
      json(200, { access_token: 1, ...spoken }),
      reset,
    ];
    const errors = [
      await failure(finish(query({ ...spoken, state }))),
      await failure(finish(query({ ...spoken, error: "access_denied" }))),
      await failure(finish(query({ state: `${state}x` }))),
      await failure(finish(query({ iss: told }))),
    ];
    for (const answer of answers) {
      host.tokenAnswer = answer;
      errors.push(await failure(finish(query())));
    }
    for (const error of errors) {
      const shown = [
        inspect(error, { depth: 9, showHidden: true }),
        JSON.stringify(error),
        error.stack,
      ].join();
      // Text that was cut may end with the beginning of a secret.
      for (const secret of secrets) expect(shown.includes(secret.slice(0, 8))).toBe(false);
    }
  });
});

describe("a login at the emulator", () => {
  let talkdesk: Emulator;

  beforeEach(async () => {
    talkdesk = await startEmulator();
  });

  afterEach(() => talkdesk.stop());

  const setUp = () => {
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
    const authentication = clientSecretBasic({ clientId, clientSecret });
    return { clientId, emulated: talkdeskClient({ endpoints: talkdesk.endpoints(), authentication }) };
  };

  it("gives a token, verified claims, and a session that refreshes", async () => {
    const { clientId, emulated } = setUp();
    const scope = "openid refresh_token users:read";
    const pending = await start({ scope }, emulated);
    const { state, nonce } = pending;
    const { callback } = await talkdesk.authorize({
      clientId,
      redirectUri: REDIRECT_URI,
      scope,
      state,
      nonce,
    });
    const { token, claims } = await finishAuthorization(emulated, callback, pending);
    expect(claims).toMatchObject({ aud: clientId, nonce });
    expect(token.refreshToken).toBeTypeOf("string");

    await using session = userSession(emulated, { key: "session-1", token });
    expect((await session.getToken()).value).toBe(token.value);
    const used = await failure(finishAuthorization(emulated, callback, pending));
    expect(used).toMatchObject({ code: "authorization_failed", error: "invalid_grant" });
  });

  it("works with PKCE, and needs the verifier then", async () => {
    const { clientId, emulated } = setUp();
    const pending = await start({ scope: "openid", pkce: true }, emulated);
    const authorized = async () => {
      const { state, nonce, url } = pending;
      const codeChallenge = new URL(url).searchParams.get("code_challenge") ?? "";
      const login = { clientId, redirectUri: REDIRECT_URI, scope: "openid", state, nonce, codeChallenge };
      return (await talkdesk.authorize(login)).callback;
    };
    const { codeVerifier: _, ...without } = pending;
    const error = await failure(finishAuthorization(emulated, await authorized(), without));
    expect(error.code).toBe("authorization_failed");
    const { claims } = await finishAuthorization(emulated, await authorized(), pending);
    expect(claims?.nonce).toBe(pending.nonce);
  });

  it("refuses the nonce of another login", async () => {
    const { clientId, emulated } = setUp();
    const [pending, other] = [await start({}, emulated), await start({}, emulated)];
    const { callback } = await talkdesk.authorize({
      clientId,
      redirectUri: REDIRECT_URI,
      scope: "openid",
      state: pending.state,
      nonce: other.nonce,
    });
    expect((await failure(finishAuthorization(emulated, callback, pending))).code).toBe("nonce_mismatch");
  });

  it("refuses a code of a login without openid where openid was asked for", async () => {
    const { clientId, emulated } = setUp();
    const victim = await start({ scope: ["users:read", "openid"] }, emulated);
    // The attacker's own code, put into the victim's callback: its answer has no ID token, and so no nonce.
    const { callback } = await talkdesk.authorize({
      clientId,
      redirectUri: REDIRECT_URI,
      scope: "users:read",
      state: victim.state,
    });
    const error = await failure(finishAuthorization(emulated, callback, victim));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: false });
    expect(error.message).toMatch(/no ID token although openid was asked for/);
  });
});
