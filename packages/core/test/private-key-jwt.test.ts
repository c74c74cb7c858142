import { inspect } from "node:util";
import {
  clientCredentials,
  type Grant,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
  requestToken,
  talkdeskEndpoints,
} from "@talkdesk-oauth/core";
import jwt from "jsonwebtoken";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { leapingClock } from "./support/leaping-clock.js";
import { ALGORITHMS, armoured, issued, KEYS, provedBy } from "./support/signing-keys.js";
import { clientOf, endpointsAt, failure, granted, json, tokenEndpoint } from "./support/token-endpoint.js";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const NOW = Date.UTC(2026, 10, 24, 12);
const privateKey = issued(KEYS.ES256.privateKey);
const options: PrivateKeyJwtOptions = { clientId: "client-1", keyId: "key-1", privateKey };

/** Verifies an assertion with another library, and returns its contents. */
function verified(body: URLSearchParams | string, algorithm: jwt.Algorithm = "ES256"): jwt.Jwt {
  const assertion = new URLSearchParams(body).get("client_assertion") ?? "";
  const { publicKey } = KEYS[algorithm as "ES256"];
  return jwt.verify(assertion, publicKey, {
    algorithms: [algorithm],
    ignoreExpiration: true,
    complete: true,
  });
}
const claimsIn = (body: URLSearchParams | string): jwt.JwtPayload => verified(body).payload as jwt.JwtPayload;

describe("privateKeyJwt", () => {
  it.each(ALGORITHMS)("signs with %s, as an independent library finds", async (algorithm) => {
    const body = await provedBy({ privateKey: issued(KEYS[algorithm].privateKey), algorithm }, NOW);
    const { header, payload, signature } = verified(body, algorithm);
    expect(header).toEqual({ alg: algorithm, kid: "key-1" });
    expect(payload).toEqual({
      iss: "client-1",
      sub: "client-1",
      aud: "https://acme.talkdeskid.eu/oauth/token",
      jti: expect.stringMatching(UUID),
      iat: NOW / 1000 - 10,
      exp: NOW / 1000 + 290,
    });
    // r and s side by side, or a whole modulus: never DER (RFC 7518 §3.4).
    const bytes = { ES256: 64, ES384: 96, ES512: 132, PS256: 256, PS384: 256, PS512: 256 };
    expect(Buffer.from(signature, "base64url")).toHaveLength(bytes[algorithm]);
  });

  it("adds the assertion and its type to the body, and nothing else anywhere", async () => {
    const headers = new Headers({ accept: "application/json" });
    const body = new URLSearchParams({ grant_type: "client_credentials" });
    await privateKeyJwt(options)({ endpoints: talkdeskEndpoints("acme"), headers, body, now: NOW });
    expect([...body.keys()]).toEqual(["grant_type", "client_assertion_type", "client_assertion"]);
    expect(body.get("client_assertion_type")).toBe("urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    expect([...headers]).toEqual([["accept", "application/json"]]);
  });

  it("is named in the error for a refused client", async () => {
    await using server = await tokenEndpoint(json(401, { error: "invalid_client" }));
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    const { message } = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(message).toContain("check client id, key id and algorithm, account and region.");
  });

  it("chooses the algorithm that the key is for", async () => {
    for (const [algorithm, chosen] of [
      ["ES256", "ES256"],
      ["ES384", "ES384"],
      ["ES512", "ES512"],
      ["PS512", "PS256"],
    ] as const) {
      const body = await provedBy({ privateKey: issued(KEYS[algorithm].privateKey) });
      expect(verified(body, chosen).header.alg).toBe(chosen);
    }
  });

  it("is for the token endpoint that it is sent to, as one string", async () => {
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    await requestToken(client, { grant_type: "client_credentials" });
    expect(claimsIn(server.requests[0]?.body ?? "").aud).toBe(`${server.origin}/oauth/token`);
  });

  it("has the given audience", async () => {
    const audience = "https://www.talkdeskid.com";
    expect(claimsIn(await provedBy({ privateKey, audience })).aud).toBe(audience);
  });

  it("sends the client id beside it when told, and not otherwise", async () => {
    expect((await provedBy({ privateKey, sendClientId: true })).get("client_id")).toBe("client-1");
    expect((await provedBy({ privateKey, sendClientId: false })).has("client_id")).toBe(false);
    expect((await provedBy({ privateKey })).has("client_id")).toBe(false);
  });

  it("tells the time in whole seconds, and lives for 300 of them", async () => {
    for (const now of [NOW, NOW + 1, NOW + 999, NOW + 0.7]) {
      const { iat = 0, exp = 0 } = claimsIn(await provedBy({ privateKey }, now));
      expect([iat, exp]).toEqual([NOW / 1000 - 10, NOW / 1000 + 290]);
    }
  });

  it("is made anew for every attempt: another id, a later time", async () => {
    await using server = await tokenEndpoint(json(503, {}), json(503, {}, { "retry-after": "5" }), granted);
    const clock = leapingClock();
    const client = clientOf(server, { authentication: privateKeyJwt(options), clock });
    await requestToken(client, { grant_type: "client_credentials" });
    const claims = server.requests.map(({ body }) => claimsIn(body));
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    expect((claims[2]?.iat ?? 0) - (claims[0]?.iat ?? 0)).toBe(5);
    for (const { headers } of server.requests) expect(headers.authorization).toBeUndefined();
  });

  it("never repeats an id", async () => {
    const authentication = privateKeyJwt(options);
    const ids = new Set<string | undefined>();
    for (let round = 0; round < 200; round += 1) {
      const body = new URLSearchParams();
      await authentication({ endpoints: talkdeskEndpoints("acme"), headers: new Headers(), body, now: NOW });
      ids.add(claimsIn(body).jti);
    }
    expect(ids.size).toBe(200);
  });

  it.each<Grant>([
    { grant_type: "client_credentials", scope: "users:read" },
    { grant_type: "client_credentials", token_type: "opaque", expires_in: 86_400 },
    { grant_type: "authorization_code", code: "c", redirect_uri: "https://app.example.com/cb" },
    { grant_type: "refresh_token", refresh_token: "r" },
  ])("goes with every grant: %j", async (grant) => {
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    expect((await requestToken(client, grant)).value).toBe("token-1");
    const [sent] = server.requests;
    expect(claimsIn(sent?.body ?? "").sub).toBe("client-1");
    expect(new URLSearchParams(sent?.body).get("grant_type")).toBe(grant.grant_type);
  });

  it("has the platform read the key once", async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    const imports = vi.spyOn(crypto.subtle, "importKey");
    const authentication = privateKeyJwt(options);
    expect(imports).not.toHaveBeenCalled();
    const request = () => ({
      endpoints: talkdeskEndpoints("acme"),
      headers: new Headers(),
      body: new URLSearchParams(),
      now: NOW,
    });
    await Promise.all([authentication(request()), authentication(request())]);
    await authentication(request());
    const ours = imports.mock.calls.filter(([format]) => format === "pkcs8");
    expect(ours.map(([, , algorithm, extractable, usages]) => [algorithm, extractable, usages])).toEqual([
      [{ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]],
    ]);
  });

  it("tells the client id, cannot be changed, and shows nothing else", () => {
    const authentication = privateKeyJwt(options);
    expect(authentication.clientId).toBe("client-1");
    expect(Object.isFrozen(authentication)).toBe(true);
    expect(inspect(authentication, { showHidden: true, depth: null })).not.toMatch(/key-1|MIG/);
  });

  it.each<[string, unknown]>([
    ["undefined", undefined],
    ["null", null],
    ["a number", 7],
    ["empty", ""],
    ["ended by a line feed", "canary\n"],
    ["with a NUL", "canary\0"],
    ["with half a surrogate pair", "canary\ud83d"],
  ])("refuses ids and an audience that are %s, without repeating them", (_, value) => {
    for (const name of ["clientId", "keyId", "audience"] as const) {
      if (name === "audience" && value === undefined) continue;
      const make = () => privateKeyJwt({ ...options, [name]: value as string });
      expect(make).toThrow(
        expect.objectContaining({ name: "TypeError", message: expect.stringMatching(`^${name} must`) }),
      );
      expect(make).not.toThrow(/canary/);
    }
  });

  it.each(["RS256", "HS256", "none", "es256", "EdDSA", "", null, 256])(
    "refuses the algorithm %j",
    (algorithm) => {
      expect(() => privateKeyJwt({ ...options, algorithm: algorithm as "ES256" })).toThrow(
        new TypeError("algorithm must be one of ES256, ES384, ES512, PS256, PS384, PS512, or absent."),
      );
    },
  );

  it("refuses a sendClientId that is not a truth value", () => {
    expect(() => privateKeyJwt({ ...options, sendClientId: "yes" as unknown as boolean })).toThrow(TypeError);
  });

  it("takes an id with a colon, which moves nothing here", async () => {
    expect(claimsIn(await provedBy({ privateKey, clientId: "a:b" })).iss).toBe("a:b");
  });

  it("ends the call with credentials_unavailable when the platform refuses the key, without its words", async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    vi.spyOn(crypto.subtle, "importKey").mockRejectedValue(new Error(`no good: ${privateKey}`));
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    for (let call = 0; call < 2; call += 1) {
      const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
      expect(error).toMatchObject({ code: "credentials_unavailable", retryable: false });
      expect(error.message).toMatch(/refused to sign ES256 with the client's private key/);
      expect(error.cause).toBeUndefined();
      expect(inspect(error, { showHidden: true, depth: null })).not.toContain(privateKey.slice(0, 12));
    }
    expect(server.requests).toEqual([]);
  });

  it("ends the call with credentials_unavailable when the platform does not answer, within the deadline", async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    const clock = leapingClock(5_000);
    vi.spyOn(crypto.subtle, "importKey").mockImplementation(() => {
      setImmediate(() => clock.advance(5_000));
      return new Promise(() => {});
    });
    const client = clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:9") },
      { authentication: privateKeyJwt(options), clock, timeoutMs: 5_000 },
    );
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.code).toBe("credentials_unavailable");
    expect(clock.timerCount).toBe(0);
  });

  it("serves many callers of many sources at once", async () => {
    await using server = await tokenEndpoint(granted);
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    const sources = Array.from({ length: 20 }, () => clientCredentials(client));
    await Promise.all(sources.flatMap((source) => [source.getToken(), source.getToken()]));
    expect(server.requests).toHaveLength(20);
    expect(new Set(server.requests.map(({ body }) => claimsIn(body).jti)).size).toBe(20);
  });
});

describe("the hints of a refused assertion", () => {
  const refused = json(401, { error: "invalid_client" });
  const hintsOn = async (changes: Partial<PrivateKeyJwtOptions> = {}): Promise<readonly string[]> => {
    await using server = await tokenEndpoint(refused);
    const client = clientOf(server, { authentication: privateKeyJwt({ ...options, ...changes }) });
    const { hints } = await failure(requestToken(client, { grant_type: "client_credentials" }));
    return hints.slice(1);
  };

  it("name the client, the key and the algorithm to compare", async () => {
    expect(await hintsOn()).toEqual([
      "The assertion names the client client-1 and the key key-1, and is signed with ES256: check that these belong together; a rotation changes the key's id.",
    ]);
  });

  it("name an audience that is not the token endpoint", async () => {
    const audience = "https://elsewhere.example.com";
    expect((await hintsOn({ audience })).at(-1)).toBe(
      `The assertion is meant for ${audience}, which is not the address that it was sent to; leave audience out unless Talkdesk has given you one.`,
    );
  });

  it("escape what was named, and cut it", async () => {
    const [hint = ""] = await hintsOn({ keyId: `\u202e${"k".repeat(400)}` });
    expect(hint).toContain("the key \\u202ekkk");
    expect(hint.length).toBeLessThan(600);
  });

  it.each(["", "x", "a.b.c", `${btoa("null")}.${btoa("[]")}.x`, `${btoa("{")}.${btoa("{}")}.x`])(
    "ignore a custom assertion that is not a JWT: %j",
    async (assertion) => {
      await using server = await tokenEndpoint(refused);
      const authentication = ({ body }: { readonly body: URLSearchParams }) =>
        body.set("client_assertion", assertion);
      const error = await failure(
        requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" }),
      );
      expect(error.code).toBe("client_refused");
    },
  );
});

describe("what was sent of an assertion", () => {
  it("is masked where an answer repeats it, whole or in parts", async () => {
    await using server = await tokenEndpoint((response, { body }) => {
      const assertion = new URLSearchParams(body).get("client_assertion") ?? "";
      const [header = "", claims = "", signature = ""] = assertion.split(".");
      const echo = [signature, `${header}.${claims}`, claims, header, assertion, `${assertion}x`];
      json(400, { error: signature, error_description: echo.join(" ") })(response, {} as never);
    });
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.error).toBe("***");
    expect(error.errorDescription).toBe("*** *** *** *** *** ***x");
  });

  it("is never the key, in whatever armour it came", async () => {
    await using server = await tokenEndpoint(granted);
    const authentication = privateKeyJwt({ ...options, privateKey: armoured(privateKey, "EC PRIVATE KEY") });
    await requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" });
    const [sent] = server.requests;
    const everything = decodeURIComponent(`${sent?.url} ${sent?.body} ${JSON.stringify(sent?.headers)}`);
    for (let at = 0; at + 16 <= privateKey.length; at += 4) {
      // The public half is no secret, and is not sent either.
      expect(everything).not.toContain(privateKey.slice(at, at + 16));
    }
  });
});
