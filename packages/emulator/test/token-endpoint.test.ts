import { createHash, createPublicKey, verify } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import {
  exchange,
  logIn,
  makeBasicHeader,
  readClaims,
  refresh,
  requestBearer,
  requestToken,
} from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
});
afterAll(() => talkdesk.stop());

describe("client credentials", () => {
  it("issues a token with all scopes of the client when none is asked for", async () => {
    const { status, headers, json } = await requestToken(talkdesk);
    expect(status).toBe(200);
    expect(headers["content-type"]).toMatch(/^application\/json/);
    expect(headers["cache-control"]).toBe("no-store");
    expect(json).toEqual({
      access_token: expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+$/),
      token_type: "Bearer",
      expires_in: 599,
      scope: talkdesk.clients.get().scopes.join(" "),
    });
    expect(json.access_token.length).toBeLessThan(4096);
  });

  it("issues a different token each time, with the scopes that were asked for", async () => {
    const form = { grant_type: "client_credentials", scope: "users:read contacts:read" };
    const answers = await Promise.all(Array.from({ length: 20 }, () => requestToken(talkdesk, form)));
    expect(new Set(answers.map(({ json }) => json.access_token)).size).toBe(20);
    expect(answers[0]?.json.scope).toBe("users:read contacts:read");
  });

  it("gives the token Talkdesk's claims, a mark that it is fake, and a signature of the published key", async () => {
    const { token, jwks, api } = talkdesk.endpoints("globex", "eu");
    const { json } = await requestToken(talkdesk, undefined, { account: "globex", region: "eu" });
    const [head = "", payload = "", signature = ""] = json.access_token.split(".");
    const { clientId } = talkdesk.clients.get("globex");
    const claims = readClaims(json.access_token);
    expect(claims).toMatchObject({
      iss: new URL(token).origin,
      aud: api,
      jti: expect.stringMatching(/^emulator[0-9a-f]{24}$/),
      cid: clientId,
      gty: "client_credentials",
      scp: json.scope.split(" "),
      aid: expect.stringMatching(/^[0-9a-f]{24}$/),
      acc: "globex",
      sub: clientId,
      emulator: true,
    });
    expect(claims.nbf).toBe(claims.iat);
    expect(claims.exp).toBe(claims.iat + 600);

    const { keys } = (await send(jwks)).json;
    const { kid, alg } = JSON.parse(Buffer.from(head, "base64url").toString());
    expect(alg).toBe("ES256");
    const key = createPublicKey({
      key: keys.find((item: { kid: string }) => item.kid === kid),
      format: "jwk",
    });
    const isSigned = verify(
      "sha256",
      Buffer.from(`${head}.${payload}`),
      { key, dsaEncoding: "ieee-p1363" },
      Buffer.from(signature, "base64url"),
    );
    expect(isSigned).toBe(true);
    expect(keys.some((item: object) => "d" in item)).toBe(false);
  });

  it.each([
    ["a scope that does not exist", "nothing:read"],
    ["a scope among others that does not exist", "users:read nothing:read"],
    ["two spaces", "users:read  contacts:read"],
    ["an empty scope", ""],
    ["a quotation mark", 'users:"read'],
    ["a scope escaped twice", "users%3Aread"],
  ])("refuses %s", async (_name, scope) => {
    const { status, json } = await requestToken(talkdesk, { grant_type: "client_credentials", scope });
    expect([status, json.error]).toEqual([400, "invalid_scope"]);
  });

  it("refuses a scope of another client", async () => {
    const client = talkdesk.clients.add({ scopes: ["users:read"] });
    const answer = await requestToken(
      talkdesk,
      { grant_type: "client_credentials", scope: "contacts:read" },
      { client },
    );
    expect([answer.status, answer.json.error]).toEqual([400, "invalid_scope"]);
    expect((await requestToken(talkdesk, undefined, { client })).json.scope).toBe("users:read");
  });

  it("issues tokens for scopes that only this client has", async () => {
    const client = talkdesk.clients.add({ scopes: ["my-own:scope"] });
    expect((await requestToken(talkdesk, undefined, { client })).json.scope).toBe("my-own:scope");
  });
});

describe("client authentication", () => {
  const refusal = { error: "invalid_client", error_description: expect.any(String) };

  it.each<[string, (header: string) => string]>([
    ["a wrong secret", () => makeBasicHeader({ ...talkdesk.clients.get(), clientSecret: "wrong" })],
    ["an unknown client", () => makeBasicHeader({ ...talkdesk.clients.get(), clientId: "f".repeat(32) })],
    ["a client of another account", () => makeBasicHeader(talkdesk.clients.get("globex"))],
    ["an empty secret", () => makeBasicHeader({ ...talkdesk.clients.get(), clientSecret: "" })],
    ["two spaces", (header) => header.replace(" ", "  ")],
    ["Base64 wrapped by a tab", (header) => `${header.slice(0, 70)}\t${header.slice(70)}`],
    ["the Base64url alphabet", () => "Basic _-_-_-_-"],
    ["wrong padding", () => makeBasicHeader({ clientId: "ab", clientSecret: "c" }).replace(/=+$/, "A")],
    ["the Bearer scheme", (header) => header.replace("Basic", "Bearer")],
    ["no colon", () => `Basic ${Buffer.from("nothing").toString("base64")}`],
    ["Base64 that is no UTF-8", () => `Basic ${Buffer.from([0xff, 0x3a, 0xfe]).toString("base64")}`],
    [
      "a secret that is percent-encoded first",
      () => {
        const { clientId, clientSecret } = talkdesk.clients.get();
        return makeBasicHeader({
          clientId,
          clientSecret: clientSecret.replaceAll("-", "%2D").replaceAll("_", "%5F"),
        });
      },
    ],
  ])("refuses %s", async (_name, change) => {
    const authorization = change(makeBasicHeader(talkdesk.clients.get()));
    const { status, headers, json } = await requestToken(talkdesk, undefined, { headers: { authorization } });
    expect(status).toBe(401);
    expect(headers["www-authenticate"]).toMatch(/^Basic/);
    expect(json).toEqual(refusal);
  });

  it("refuses a request without credentials, or with two headers of them", async () => {
    const { token } = talkdesk.endpoints();
    const form = { method: "POST", body: "grant_type=client_credentials" };
    const type = { "content-type": "application/x-www-form-urlencoded" };
    expect((await send(token, { ...form, headers: type })).json).toEqual(refusal);
    const header = makeBasicHeader(talkdesk.clients.get());
    const twice = await send(token, { ...form, headers: { ...type, authorization: [header, header] } });
    expect(twice.json).toEqual(refusal);
  });

  it("refuses credentials in the body, alone and beside the header", async () => {
    const { clientId, clientSecret } = talkdesk.clients.get();
    const form = { grant_type: "client_credentials", client_id: clientId, client_secret: clientSecret };
    const { token } = talkdesk.endpoints();
    const alone = await send(token, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(form).toString(),
    });
    expect([alone.status, alone.json.error]).toEqual([401, "invalid_client"]);
    const both = await requestToken(talkdesk, form);
    expect([both.status, both.json.error]).toEqual([400, "invalid_request"]);
  });

  it("takes a secret with any characters as it is", async () => {
    const client = talkdesk.clients.add({ clientSecret: "- _ . ~ ! * ' ( ) % %2D + / = : @ é 😀" });
    expect((await requestToken(talkdesk, undefined, { client })).status).toBe(200);
    const other = { ...client, clientSecret: encodeURIComponent(client.clientSecret) };
    expect((await requestToken(talkdesk, undefined, { client: other })).status).toBe(401);
  });
});

describe("the request", () => {
  it.each<[string, number, string, Readonly<Record<string, string>>]>([
    ["no grant type", 400, "invalid_request", { scope: "users:read" }],
    ["an empty grant type", 400, "invalid_request", { grant_type: "" }],
    ["an unknown grant type", 400, "unsupported_grant_type", { grant_type: "password" }],
    [
      "an unknown token type",
      400,
      "invalid_request",
      { grant_type: "client_credentials", token_type: "jwt" },
    ],
    [
      "a service token of an hour",
      400,
      "invalid_request",
      { grant_type: "client_credentials", token_type: "opaque", expires_in: "3600" },
    ],
    [
      "a service token of two years",
      400,
      "invalid_request",
      { grant_type: "client_credentials", token_type: "opaque", expires_in: "63113904" },
    ],
    [
      "a service token for a refresh",
      400,
      "invalid_request",
      { grant_type: "refresh_token", refresh_token: "a", token_type: "opaque" },
    ],
    [
      "a lifetime for another token",
      400,
      "invalid_request",
      { grant_type: "client_credentials", expires_in: "86400" },
    ],
    ["another client id", 400, "invalid_request", { grant_type: "client_credentials", client_id: "other" }],
    ["no code", 400, "invalid_request", { grant_type: "authorization_code", redirect_uri: "http://a" }],
    ["no redirect URI", 400, "invalid_request", { grant_type: "authorization_code", code: "a" }],
    ["no refresh token", 401, "unauthorized", { grant_type: "refresh_token" }],
    ["a made-up refresh token", 400, "invalid_grant", { grant_type: "refresh_token", refresh_token: "a" }],
    [
      "a made-up code",
      400,
      "invalid_grant",
      { grant_type: "authorization_code", code: "a", redirect_uri: "http://localhost:3000/callback" },
    ],
  ])("is refused with %s", async (_name, status, error, form) => {
    const answer = await requestToken(talkdesk, form);
    expect(answer.status).toBe(status);
    expect(answer.json).toEqual({ error, error_description: expect.any(String) });
  });

  it("is refused as JSON, without a content type, and with a malformed percent-encoding", async () => {
    const json = { "content-type": "application/json" };
    const grant = '{"grant_type":"client_credentials"}';
    for (const options of [
      { headers: json, body: grant },
      { headers: { "content-type": "text/plain" } },
      { body: "grant_type=client_credentials&scope=%zz" },
    ]) {
      const answer = await requestToken(talkdesk, undefined, options);
      expect([answer.status, answer.json.error]).toEqual([400, "invalid_request"]);
    }
    const untyped = await send(talkdesk.endpoints().token, {
      method: "POST",
      headers: { authorization: makeBasicHeader(talkdesk.clients.get()) },
      body: "grant_type=client_credentials",
    });
    expect([untyped.status, untyped.json.error]).toEqual([400, "invalid_request"]);
  });

  it("may name a charset", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded;charset=UTF-8" };
    expect((await requestToken(talkdesk, undefined, { headers })).status).toBe(200);
  });

  it.each([
    "grant_type=client_credentials&grant_type=client_credentials",
    "grant_type=client_credentials&scope=users:read&scope=users:read",
    "grant_type=client_credentials&other=1&other=2",
  ])("is refused with a repeated parameter: %s", async (body) => {
    const answer = await requestToken(talkdesk, undefined, { body });
    expect([answer.status, answer.json.error]).toEqual([400, "invalid_request"]);
  });

  it("is refused with its parameters in the URL", async () => {
    const { token } = talkdesk.endpoints();
    const headers = {
      authorization: makeBasicHeader(talkdesk.clients.get()),
      "content-type": "application/x-www-form-urlencoded",
    };
    for (const body of ["", "grant_type=client_credentials"]) {
      const answer = await send(`${token}?grant_type=client_credentials`, { method: "POST", headers, body });
      expect([answer.status, answer.json.error]).toEqual([400, "invalid_request"]);
    }
  });

  it("is refused when it is too large", async () => {
    const body = `grant_type=client_credentials&padding=${"a".repeat(60_000)}`;
    expect((await requestToken(talkdesk, undefined, { body })).status).toBe(400);
  });

  it.each(["GET", "PUT", "DELETE", "OPTIONS"])("is refused as %s", async (method) => {
    const answer = await send(talkdesk.endpoints().token, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, "POST"]);
  });

  it("is refused for a grant that the client may not use", async () => {
    const client = talkdesk.clients.add({ grantTypes: ["authorization_code"] });
    const answer = await requestToken(talkdesk, undefined, { client });
    expect([answer.status, answer.json.error]).toEqual([400, "unauthorized_client"]);
  });
});

describe("authorization code", () => {
  it("gives a refresh token, a session id and, when openid was asked for, an ID token", async () => {
    const { code } = await talkdesk.authorize({ scope: "openid users:read", nonce: "n-1" });
    const { status, json } = await exchange(talkdesk, code);
    expect(status).toBe(200);
    expect(json).toEqual({
      access_token: expect.any(String),
      token_type: "Bearer",
      expires_in: 599,
      scope: "openid users:read",
      refresh_token: expect.any(String),
      sid: expect.stringMatching(/^[0-9a-f]{32}$/),
      id_token: expect.any(String),
    });
    expect(readClaims(json.id_token)).toMatchObject({
      iss: new URL(talkdesk.endpoints().authorize).origin,
      aud: talkdesk.clients.get().clientId,
      nonce: "n-1",
      sub: readClaims(json.access_token).sub,
    });
    expect(readClaims(json.access_token).gty).toBe("authorization_code");
  });

  it("gives no ID token when openid was not asked for by name", async () => {
    const named = await logIn(talkdesk, "users:read");
    expect(named.json.scope).toBe("users:read");
    expect(named.json).not.toHaveProperty("id_token");
    const all = await logIn(talkdesk);
    expect(all.json.scope).toBe(talkdesk.clients.get().scopes.join(" "));
    expect(all.json).not.toHaveProperty("id_token");
  });

  it("gives no refresh token to a client that may not use one", async () => {
    const client = talkdesk.clients.add({ grantTypes: ["authorization_code"] });
    const { code } = await talkdesk.authorize({ clientId: client.clientId });
    const { status, json } = await exchange(talkdesk, code, {}, { client });
    expect(status).toBe(200);
    expect(json).not.toHaveProperty("refresh_token");
  });

  it("can be used once; a second use revokes the tokens of the first", async () => {
    const { code } = await talkdesk.authorize({ scope: "openid" });
    const first = await exchange(talkdesk, code);
    const headers = { authorization: `Bearer ${first.json.access_token}` };
    const me = `${talkdesk.endpoints().api}/users/me`;
    expect((await send(me, { headers })).status).toBe(200);

    const second = await exchange(talkdesk, code);
    expect([second.status, second.json.error]).toEqual([400, "invalid_grant"]);
    expect((await send(me, { headers })).status).toBe(401);
    expect((await refresh(talkdesk, first.json.refresh_token)).json.error).toBe("invalid_grant");
  });

  it("can be used once even when two requests come at the same time", async () => {
    const { code } = await talkdesk.authorize();
    const answers = await Promise.all([exchange(talkdesk, code), exchange(talkdesk, code)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it("is bound to its redirect URI, client, account and region", async () => {
    const { code } = await talkdesk.authorize();
    const client = talkdesk.clients.add();
    for (const attempt of [
      exchange(talkdesk, code, { redirect_uri: "http://localhost:3000/callback/" }),
      exchange(talkdesk, code, {}, { client }),
      exchange(talkdesk, code, {}, { account: "globex" }),
      exchange(talkdesk, code, {}, { region: "eu" }),
    ]) {
      const { status, json } = await attempt;
      expect([status, json.error]).toEqual([400, "invalid_grant"]);
    }
    expect((await exchange(talkdesk, code)).status).toBe(200);
  });

  it("is bound to its PKCE challenge when it was asked for with one", async () => {
    const verifier = "v".repeat(43);
    const codeChallenge = createHash("sha256").update(verifier).digest("base64url");
    for (const changes of [{}, { code_verifier: "w".repeat(43) }]) {
      const { code } = await talkdesk.authorize({ codeChallenge });
      expect((await exchange(talkdesk, code, changes)).json.error).toBe("invalid_grant");
    }
    const { code } = await talkdesk.authorize({ codeChallenge });
    expect((await exchange(talkdesk, code, { code_verifier: verifier })).status).toBe(200);
    const plain = await talkdesk.authorize();
    expect((await exchange(talkdesk, plain.code, { code_verifier: verifier })).json.error).toBe(
      "invalid_grant",
    );
  });
});

describe("refresh token", () => {
  it("rotates, keeps the session id and gives no ID token", async () => {
    const first = await logIn(talkdesk, "openid users:read");
    const second = await refresh(talkdesk, first.json.refresh_token);
    expect(second.status).toBe(200);
    expect(second.json.refresh_token).not.toBe(first.json.refresh_token);
    expect(second.json.sid).toBe(first.json.sid);
    expect(second.json.scope).toBe("openid users:read");
    expect(second.json).not.toHaveProperty("id_token");
    expect(readClaims(second.json.access_token).gty).toBe("refresh_token");
    const me = await send(`${talkdesk.endpoints().api}/users/me`, {
      headers: { authorization: `Bearer ${second.json.access_token}` },
    });
    expect(me.status).toBe(200);
  });

  it("can be used once; a second use revokes its successor and the access tokens", async () => {
    const first = await logIn(talkdesk, "openid");
    const second = await refresh(talkdesk, first.json.refresh_token);
    expect((await refresh(talkdesk, first.json.refresh_token)).json.error).toBe("invalid_grant");
    expect((await refresh(talkdesk, second.json.refresh_token)).json.error).toBe("invalid_grant");
    const me = await send(`${talkdesk.endpoints().api}/users/me`, {
      headers: { authorization: `Bearer ${second.json.access_token}` },
    });
    expect(me.status).toBe(401);
  });

  it("can be used once even when two requests come at the same time", async () => {
    const { json } = await logIn(talkdesk);
    const answers = await Promise.all([1, 2].map(() => refresh(talkdesk, json.refresh_token)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400]);
  });

  it("can narrow the scope and cannot widen it", async () => {
    const { json } = await logIn(talkdesk, "users:read contacts:read");
    const wider = await refresh(talkdesk, json.refresh_token, { scope: "users:read contacts:write" });
    expect([wider.status, wider.json.error]).toEqual([400, "invalid_scope"]);
    const narrower = await refresh(talkdesk, json.refresh_token, { scope: "users:read" });
    expect([narrower.status, narrower.json.scope]).toEqual([200, "users:read"]);
  });

  it("stays the same with refreshTokens: keep", async () => {
    await using keeping = await startEmulator({ refreshTokens: "keep" });
    const { json } = await logIn(keeping);
    for (let round = 0; round < 2; round += 1) {
      const again = await refresh(keeping, json.refresh_token);
      expect([again.status, again.json.refresh_token]).toEqual([200, json.refresh_token]);
    }
  });
});

it("issues tokens that live for tokenLifetimeSeconds", async () => {
  await using shortLived = await startEmulator({ tokenLifetimeSeconds: 2 });
  const { json } = await requestToken(shortLived);
  expect(json.expires_in).toBe(2);
  const url = `${shortLived.endpoints().api}/echo`;
  const headers = { authorization: `Bearer ${json.access_token}` };
  expect((await send(url, { headers })).status).toBe(200);
  await expect.poll(async () => (await send(url, { headers })).status).toBe(401);
});

it("tokens.count() counts the tokens issued", async () => {
  await using counted = await startEmulator({ accounts: ["acme", "globex"] });
  await requestBearer(counted);
  await requestBearer(counted, { region: "eu" });
  await requestBearer(counted, { account: "globex" });
  expect(counted.tokens.count()).toBe(3);
  expect(counted.tokens.count({ region: "eu" })).toBe(1);
  expect(counted.tokens.count({ account: "acme" })).toBe(2);
  expect(counted.tokens.count({ clientId: counted.clients.get("globex").clientId })).toBe(1);
  expect(() => counted.tokens.count({ realm: "x" } as object)).toThrow(TypeError);
});
