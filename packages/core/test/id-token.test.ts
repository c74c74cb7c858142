import { createHmac, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { inspect } from "node:util";
import { type Clock, finishAuthorization, privateKeyJwt, startAuthorization } from "@talkdesk-oauth/core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  EC,
  idTokenFor,
  type LoginHost,
  login,
  loginHost,
  OTHER_EC,
  published,
  REDIRECT_URI,
  RSA,
  type Signing,
} from "./support/login-fixture.js";
import { issued, KEYS } from "./support/signing-keys.js";
import { failure, json, rejection, text } from "./support/token-endpoint.js";

let host: LoginHost;

beforeEach(async () => {
  host = await loginHost();
});

afterEach(() => host[Symbol.asyncDispose]());

/** A login with an ID token that has these claims and is signed so. */
const loginWith = (claims: Record<string, unknown> = {}, signing: Signing = {}, client = host.client) =>
  login(host, (pending) => idTokenFor(host, pending, claims, signing), client);

const seconds = (): number => Math.floor(Date.now() / 1000);

/** The platform's clock, moved by hand. */
class MovedClock implements Clock {
  aheadMs = 0;
  now = (): number => Date.now() + this.aheadMs;
  monotonic = (): number => performance.now() + this.aheadMs;
  setTimeout = (callback: () => void, delayMs: number): unknown => setTimeout(callback, delayMs);
  clearTimeout = (timer: unknown): void => clearTimeout(timer as NodeJS.Timeout);
}

describe("an ID token", () => {
  it("gives its claims, deeply frozen", async () => {
    const { token, claims } = await loginWith({ email: "a@b.example", groups: [{ id: 1 }] });
    expect(token.value).toBe("at-canary-1");
    expect(claims).toMatchObject({ sub: "user-1", aud: "client-1", iss: host.origin, email: "a@b.example" });
    expect(Object.isFrozen(claims)).toBe(true);
    const groups = claims?.["groups"];
    expect(groups).toEqual([{ id: 1 }]);
    expect([groups, ...(groups as unknown[])].every(Object.isFrozen)).toBe(true);
  });

  it.each([undefined, "users:read", "openid2 x-openid"])(
    "may be missing where %s was asked for, and then no key is read",
    async (scope) => {
      const options = { redirectUri: REDIRECT_URI, ...(scope !== undefined && { scope }) };
      const pending = await startAuthorization(host.client, options);
      const finished = await finishAuthorization(host.client, `code=c&state=${pending.state}`, pending);
      expect(Object.keys(finished)).toEqual(["token"]);
      expect(host.keyReads).toBe(0);
    },
  );

  it.each(["openid", "users:read openid", "openid refresh_token"])(
    "may not be missing where %s was asked for, however the login was kept",
    async (scope) => {
      const begun = await startAuthorization(host.client, { redirectUri: REDIRECT_URI, scope });
      const pending = JSON.parse(JSON.stringify(begun));
      for (const id_token of [undefined, null, ""]) {
        host.members = { id_token };
        const finished = finishAuthorization(host.client, `code=c&state=${pending.state}`, pending);
        expect(await failure(finished)).toMatchObject({ code: "id_token_invalid", retryable: false });
      }
    },
  );

  it("may have claims that nest deeper than the stack", async () => {
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`;
    const { claims } = await login(host, (pending) => {
      const [header = "", payload = ""] = idTokenFor(host, pending).split(".");
      const json = Buffer.from(payload, "base64url").toString().replace(/}$/, `,"deep":${deep}}`);
      return signed(header, Buffer.from(json).toString("base64url"));
    });
    expect(Array.isArray(claims?.["deep"])).toBe(true);
  });

  it.each([
    ["ES256", EC.privateKey, { kid: "k" }],
    ["RS256", RSA.privateKey, { kid: "k" }],
    ["RS256", RSA.privateKey, { kid: "k", alg: "RS256" }],
    ["PS256", RSA.privateKey, { kid: "k", alg: "PS256" }],
    ["RS512", RSA.privateKey, { kid: "k", alg: "RS512" }],
  ] as const)("may be signed with %s (%#)", async (algorithm, key, members) => {
    host.keys = [published(key, members)];
    expect((await loginWith({}, { key, algorithm, kid: "k" })).claims?.sub).toBe("user-1");
  });

  it("may be signed with a curve that its key pins", async () => {
    const { privateKey: key } = generateKeyPairSync("ec", { namedCurve: "P-384" });
    host.keys = [published(key, { kid: "k", alg: "ES384" })];
    expect((await loginWith({}, { key, algorithm: "ES384", kid: "k" })).claims?.sub).toBe("user-1");
    host.keys = [published(key, { kid: "other" })];
    const error = await failure(
      loginWith({}, { key, algorithm: "ES384", kid: "other" }, host.clientWith({})),
    );
    expect(error.code).toBe("id_token_invalid");
  });

  it.each([
    ["another audience", { aud: "client-2" }, /another client.*aud/],
    ["no audience", { aud: undefined }, /another client.*aud/],
    ["another authorised party", { aud: ["client-1", "x"], azp: "x" }, /another client.*azp/],
    ["several audiences and no authorised party", { aud: ["client-1", "x"] }, /another client.*azp/],
    ["an expiry that has passed", { exp: seconds() - 61 }, /has expired/],
    ["no expiry", { exp: undefined }, /does not say when it expires/],
    ["an expiry in words", { exp: "soon" }, /does not say when it expires/],
    ["no time of issue", { iat: undefined }, /does not say when it was issued/],
    ["a time of issue to come", { iat: seconds() + 120 }, /in the future/],
    ["a beginning to come", { nbf: seconds() + 120 }, /not valid yet/],
    ["another issuer", { iss: "https://evil.example" }, /issuer that is not expected/],
    ["no issuer", { iss: undefined }, /issuer that is not expected/],
    ["no user", { sub: undefined }, /names no user/],
  ])("is refused for %s", async (_, claims, message) => {
    const error = await failure(loginWith(claims));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: false });
    expect(error.message).toMatch(message);
  });

  it.each([
    ["expired a moment ago", { exp: seconds() - 30 }],
    ["issued in a moment", { iat: seconds() + 30 }],
    ["for several, of whom one is this client", { aud: ["x", "client-1"], azp: "client-1" }],
    ["from Talkdesk's common issuer", { iss: "https://www.talkdeskid.com" }],
  ])("is accepted when it is %s", async (_, claims) => {
    expect((await loginWith(claims)).claims?.sub).toBe("user-1");
  });

  it("goes by the client's clock", async () => {
    const clock = new MovedClock();
    const client = host.clientWith({ clock });
    clock.aheadMs = 3_600_000;
    expect((await failure(loginWith({}, {}, client))).message).toMatch(/has expired/);
    clock.aheadMs = -3_600_000;
    expect((await failure(loginWith({}, {}, client))).message).toMatch(/in the future/);
  });

  /** A login during which the client learns that the server's clock is `offsetMs` ahead. */
  async function loginAfterCorrection(offsetMs: number, claims: Record<string, unknown>) {
    const privateKey = issued(KEYS.ES256.privateKey);
    const authentication = privateKeyJwt({ clientId: "client-1", keyId: "key-1", privateKey });
    const client = host.clientWith({ authentication });
    const pending = await startAuthorization(client, { redirectUri: REDIRECT_URI, scope: "openid" });
    const id_token = idTokenFor(host, pending, claims);
    host.tokenAnswer = (response, request) => {
      response.setHeader("date", new Date(Date.now() + offsetMs).toUTCString());
      const isFirst = host.exchanges.length === 1;
      const members = { access_token: "at-canary-1", token_type: "bearer", id_token };
      json(isFirst ? 401 : 200, isFirst ? { error: "invalid_client" } : members)(response, request);
    };
    return finishAuthorization(client, `code=c&state=${pending.state}`, pending);
  }

  it("goes by a clock that was learnt of the server, up to five minutes", async () => {
    const behind = { iat: seconds() - 900, exp: seconds() - 200 };
    expect((await loginAfterCorrection(-240_000, behind)).claims?.exp).toBe(behind.exp);
    host.exchanges.splice(0);
    const ahead = { iat: seconds() + 240, exp: seconds() + 900 };
    expect((await loginAfterCorrection(240_000, ahead)).claims?.exp).toBe(ahead.exp);
  });

  it.each([
    ["has expired", -198 * 86_400_000, -198 * 86_400 - 600],
    ["has expired", -3_600_000, -3_600 - 600],
    ["was issued in the future", 3_600_000, 3_600],
    ["was issued in the future", 365 * 86_400_000, 365 * 86_400],
  ])("%s although the server's Date says otherwise by %d ms", async (message, offsetMs, issuedAfter) => {
    const iat = seconds() + issuedAfter;
    const error = await failure(loginAfterCorrection(offsetMs, { iat, exp: iat + 900 }));
    expect([host.exchanges.length, error.code]).toEqual([2, "id_token_invalid"]);
    expect(error.message).toContain(message);
  });

  it("goes by the issuers that are passed, and by no other then", async () => {
    const issuers = ["https://id.example"];
    const token = (iss: string) => (pending: Parameters<typeof idTokenFor>[1]) =>
      idTokenFor(host, pending, { iss });
    const { claims } = await login(host, token("https://id.example"), host.client, { issuers });
    expect(claims?.iss).toBe("https://id.example");
    const error = await failure(login(host, token(host.origin), host.client, { issuers }));
    expect(error.code).toBe("id_token_invalid");
  });

  it("must have this login's nonce", async () => {
    const other = await startAuthorization(host.client, { redirectUri: REDIRECT_URI });
    const fromOther = await failure(loginWith({ nonce: other.nonce }));
    expect([fromOther.code, fromOther.message]).toEqual([
      "nonce_mismatch",
      expect.stringMatching(/another login/),
    ]);
    const without = await failure(loginWith({ nonce: undefined }));
    expect([without.code, without.message]).toEqual(["nonce_mismatch", expect.stringMatching(/no nonce/)]);
  });
});

/** A token of these two parts, signed with the EC key by Node alone. */
function signed(header: string, payload: string): string {
  const content = `${header}.${payload}`;
  const signature = sign("sha256", Buffer.from(content), { key: EC.privateKey, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

describe("a forged ID token", () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

  it.each([
    ["unsigned", "none", "", /unsigned.*never accepted/],
    ["unsigned, in capitals", "NONE", "", /unsigned.*never accepted/],
    ["without an algorithm", undefined, "AAAA", /signed in a way that is never accepted/],
    ["with an algorithm of its own", "XY1", "AAAA", /signed in a way that is never accepted/],
  ])("is refused: %s", async (_, alg, signature, message) => {
    const forged = login(host, (pending) => {
      const [, payload = ""] = idTokenFor(host, pending).split(".");
      return `${part({ alg, kid: "ec-1" })}.${payload}.${signature}`;
    });
    expect(await failure(forged)).toMatchObject({
      code: "id_token_invalid",
      message: expect.stringMatching(message),
    });
    expect(host.keyReads).toBe(0);
  });

  it.each([{}, { alg: "HS256" }])(
    "is refused: HS256 with the public key as the secret, key pinned by %j",
    async (pin) => {
      const pem = createPublicKey(EC.privateKey).export({ format: "pem", type: "spki" });
      host.keys = [published(EC.privateKey, { kid: "ec-1", ...pin })];
      const forged = login(host, (pending) => {
        const [, payload = ""] = idTokenFor(host, pending).split(".");
        const content = `${part({ alg: "HS256", kid: "ec-1" })}.${payload}`;
        return `${content}.${createHmac("sha256", pem).update(content).digest("base64url")}`;
      });
      expect(await failure(forged)).toMatchObject({
        code: "id_token_invalid",
        message: expect.stringMatching(/shared secret, which is never accepted/),
      });
    },
  );

  it("is refused: signed with another key under the kid of a published one, and nothing is read again", async () => {
    const error = await failure(loginWith({}, { key: OTHER_EC.privateKey }));
    expect(error).toMatchObject({
      code: "id_token_invalid",
      message: expect.stringMatching(/none of the service's keys/),
    });
    expect(host.keyReads).toBe(1);
  });

  it("is refused: claims changed after signing", async () => {
    const forged = login(host, (pending) => {
      const [header, , signature] = idTokenFor(host, pending).split(".");
      const [, payload] = idTokenFor(host, pending, { sub: "admin" }).split(".");
      return `${header}.${payload}.${signature}`;
    });
    const { code, cause } = await failure(forged);
    expect([code, cause]).toEqual([
      "id_token_invalid",
      expect.objectContaining({ code: "ERR_JWS_SIGNATURE_VERIFICATION_FAILED" }),
    ]);
  });

  it("is refused: it brings its own key, or says where to find one", async () => {
    const header = {
      jwk: published(OTHER_EC.privateKey),
      jku: `${host.origin}/evil`,
      x5u: `${host.origin}/evil`,
    };
    const error = await failure(loginWith({}, { key: OTHER_EC.privateKey, header }));
    expect(error.code).toBe("id_token_invalid");
    expect(host.exchanges).toHaveLength(1);
  });

  it.each(["", "x", "a.b", "a.b.c", "a.b.c.d.e", "..", "e30.e30.e30"])("is refused: %j", async (idToken) => {
    const error = await failure(login(host, () => (idToken === "" ? "." : idToken)));
    expect(error.code).toBe("id_token_invalid");
  });

  it.each(["[]", "null", "1", "not JSON", ""])("is refused: signed claims of %j", async (payload) => {
    const { code } = await failure(
      login(host, () =>
        signed(part({ alg: "ES256", kid: "ec-1" }), Buffer.from(payload).toString("base64url")),
      ),
    );
    expect(code).toBe("id_token_invalid");
  });

  it("is refused: an extension that it calls critical", async () => {
    const forged = login(host, (pending) => {
      const [, payload = ""] = idTokenFor(host, pending).split(".");
      return signed(part({ alg: "ES256", kid: "ec-1", crit: ["b64"], b64: true }), payload);
    });
    expect((await failure(forged)).message).toMatch(/extension/);
  });
});

describe("the service's keys", () => {
  it("are read once for many logins, also at the same time", async () => {
    // The host has one ID token at a time, so one of the two may get the other's.
    await Promise.allSettled([loginWith(), loginWith()]);
    await loginWith();
    expect(host.keyReads).toBe(1);
  });

  it("are read once for the first token, also when its key is not among them", async () => {
    expect((await failure(loginWith({}, { kid: "unknown" }))).message).toMatch(/does not publish/);
    expect((await failure(loginWith({}, { key: OTHER_EC.privateKey, kid: null }))).message).toMatch(
      /none of the service's keys/,
    );
    // The second one asked again: what it was given was not new.
    expect(host.keyReads).toBe(2);
  });

  it("are unreadable for all who wait for them, with an error for each", async () => {
    host.keysAnswer = (response) => void response.writeHead(500).end();
    const pending = await startAuthorization(host.client, { redirectUri: REDIRECT_URI });
    host.members = { id_token: idTokenFor(host, pending) };
    const finish = () => finishAuthorization(host.client, `code=c&state=${pending.state}`, pending);
    const [one, other] = await Promise.all([failure(finish()), failure(finish())]);
    expect(one).toMatchObject({ code: "id_token_invalid", retryable: true });
    expect(other).toMatchObject({ code: one?.code, message: one?.message });
    expect(other).not.toBe(one);
  });

  it("may have members that are null, which count as missing", async () => {
    host.keys = [published(EC.privateKey, { kid: null, alg: null, use: null, key_ops: null })];
    expect((await loginWith()).claims?.sub).toBe("user-1");
  });

  it("are given to the platform once, and again when they were read again", async () => {
    const clock = new MovedClock();
    const client = host.clientWith({ clock });
    const given = vi.spyOn(crypto.subtle, "importKey");
    try {
      for (let logins = 0; logins < 3; logins++) await loginWith({}, {}, client);
      expect(given).toHaveBeenCalledTimes(1);
      clock.aheadMs += 600_000;
      await loginWith({ iat: seconds() + 600, exp: seconds() + 1_200 }, {}, client);
      expect(given).toHaveBeenCalledTimes(2);
    } finally {
      given.mockRestore();
    }
  });

  it("verify nothing for a caller who aborts while they do, although nothing is waited for", async () => {
    await loginWith();
    const leaving = new AbortController();
    const { verify } = crypto.subtle;
    const verifying = vi.spyOn(crypto.subtle, "verify").mockImplementation((...args) => {
      leaving.abort("left");
      return verify.apply(crypto.subtle, args);
    });
    try {
      const pending = await startAuthorization(host.client, { redirectUri: REDIRECT_URI, scope: "openid" });
      host.members = { id_token: idTokenFor(host, pending) };
      const { signal } = leaving;
      const finished = finishAuthorization(host.client, `code=c&state=${pending.state}`, pending, { signal });
      await expect(finished).rejects.toBe("left");
    } finally {
      verifying.mockRestore();
    }
  });

  it("are read again after ten minutes", async () => {
    const clock = new MovedClock();
    const client = host.clientWith({ clock });
    await loginWith({}, {}, client);
    clock.aheadMs = 599_000;
    await loginWith({ iat: seconds() + 599, exp: seconds() + 1_200 }, {}, client);
    expect(host.keyReads).toBe(1);
    clock.aheadMs = 601_000;
    await loginWith({ iat: seconds() + 600, exp: seconds() + 1_200 }, {}, client);
    expect(host.keyReads).toBe(2);
  });

  it("are read again at once when they were replaced", async () => {
    await loginWith();
    host.keys = [published(OTHER_EC.privateKey, { kid: "ec-2" })];
    const { claims } = await loginWith({}, { key: OTHER_EC.privateKey, kid: "ec-2" });
    expect([claims?.sub, host.keyReads]).toEqual(["user-1", 2]);
    expect((await failure(loginWith())).message).toMatch(/does not publish/);
  });

  it("are read again when they were replaced and none has a kid", async () => {
    host.keys = [published(EC.privateKey)];
    await loginWith({}, { kid: null });
    host.keys = [published(OTHER_EC.privateKey)];
    await loginWith({}, { key: OTHER_EC.privateKey, kid: null });
    expect(host.keyReads).toBe(2);
  });

  it("are read again at most three times in 30 seconds for unknown kids", async () => {
    const clock = new MovedClock();
    const client = host.clientWith({ clock });
    await loginWith({}, {}, client);
    for (let round = 0; round < 6; round++) {
      const error = await failure(loginWith({}, { kid: `unknown-${round}` }, client));
      expect(error).toMatchObject({ code: "id_token_invalid", retryable: false });
      expect(error.message).toMatch(/does not publish/);
    }
    expect(host.keyReads).toBe(4);
    clock.aheadMs = 31_000;
    await failure(loginWith({}, { kid: "unknown" }, client));
    expect(host.keyReads).toBe(5);
    expect((await loginWith({}, {}, client)).claims?.sub).toBe("user-1");
  });

  it("are not read again for a token that names one of them and is forged", async () => {
    await loginWith();
    await failure(loginWith({}, { key: OTHER_EC.privateKey }));
    for (const signature of ["", "not base64url", "AA"]) {
      const forged = login(host, (pending) => idTokenFor(host, pending).replace(/[^.]*$/, () => signature));
      expect((await failure(forged)).code).toBe("id_token_invalid");
    }
    expect(host.keyReads).toBe(1);
  });

  it("are read again when the platform cannot use the one that a token names", async () => {
    host.keys = [{ ...published(EC.privateKey, { kid: "ec-1" }), y: "AA" }];
    await failure(loginWith());
    host.keys = [published(EC.privateKey, { kid: "ec-1" })];
    expect((await loginWith()).claims?.sub).toBe("user-1");
    expect(host.keyReads).toBe(2);
  });

  it("are all tried where they have no kid, or the token has none", async () => {
    host.keys = [published(OTHER_EC.privateKey), published(RSA.privateKey), published(EC.privateKey)];
    expect((await loginWith()).claims?.sub).toBe("user-1");
    const client = host.clientWith({});
    host.keys = [published(OTHER_EC.privateKey, { kid: "a" }), published(EC.privateKey, { kid: "b" })];
    expect((await loginWith({}, { kid: null }, client)).claims?.sub).toBe("user-1");
  });

  it("may have numbers with leading zero bytes, in Base64 of either kind", async () => {
    const padded = (value: string | undefined): string =>
      Buffer.concat([Buffer.from([0]), Buffer.from(value ?? "", "base64url")]).toString("base64");
    const { x, y } = published(EC.privateKey);
    const { n, e } = published(RSA.privateKey);
    host.keys = [
      { kty: "EC", crv: "P-256", kid: "ec-1", x: padded(x), y: padded(y) },
      { kty: "RSA", kid: "rsa-1", n: padded(n), e: padded(e) },
    ];
    expect((await loginWith()).claims?.sub).toBe("user-1");
    const { claims } = await loginWith({}, { key: RSA.privateKey, algorithm: "RS256", kid: "rsa-1" });
    expect(claims?.sub).toBe("user-1");
  });

  it("may have coordinates that lost their leading zero bytes", async () => {
    let pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const firstByte = () => Buffer.from(published(pair.privateKey).x ?? "", "base64url")[0];
    while (firstByte() !== 0) pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const key = published(pair.privateKey, { kid: "short" });
    const x = Buffer.from(key.x ?? "", "base64url")
      .subarray(1)
      .toString("base64url");
    host.keys = [{ ...key, x }];
    expect((await loginWith({}, { key: pair.privateKey, kid: "short" })).claims?.sub).toBe("user-1");
  });

  it("are skipped where they are broken or for something else", async () => {
    const key = published(EC.privateKey, { kid: "ec-1" });
    host.keys = [
      null,
      7,
      [],
      {},
      { kty: "EC", kid: "ec-1" },
      { ...key, x: "!!" },
      { ...key, x: "AAAA" },
      { ...key, y: Buffer.alloc(40, 1).toString("base64url") },
      { ...key, crv: "P-384" },
      { ...key, use: "enc" },
      { ...key, key_ops: ["sign"] },
      { ...key, alg: "ES384" },
      { ...key, kty: "oct", k: "AAAA" },
      { ...key, kid: 3 },
      published(RSA.privateKey, { kid: "ec-1" }),
      { ...key, x5c: ["broken"], x5t: "broken" },
    ];
    expect((await loginWith()).claims?.sub).toBe("user-1");
    expect(host.keyReads).toBe(1);
  });

  it.each([
    ["HTML", text(200, "<html>gateway</html>", { "content-type": "text/html" }), /not a JSON Web Key Set/],
    ["JSON of another form", text(200, '{"keys":{}}'), /not a JSON Web Key Set/],
    ["null", text(200, "null"), /not a JSON Web Key Set/],
    ["an empty body", text(200, ""), /not a JSON Web Key Set/],
    ["503", text(503, "down"), /status 503/],
    ["404", text(404, "{}"), /status 404/],
    ["a redirect", text(302, "", { location: "/elsewhere" }), /redirect/],
    ["too much", text(200, `{"keys":[${" ".repeat(262_144)}]}`), /larger than 262144 bytes/],
  ])("are unreadable as %s: it may be tried again, and the code is sent once", async (_, answer, message) => {
    host.keysAnswer = (response) => answer(response, { method: "GET", url: "", headers: {}, body: "" });
    const error = await failure(loginWith());
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: true });
    expect(error.message).toMatch(message);
    expect([host.keyReads, host.exchanges.length]).toEqual([1, 1]);
    host.keysAnswer = undefined;
    expect((await loginWith()).claims?.sub).toBe("user-1");
  });

  it("are unreadable when the connection breaks", async () => {
    host.keysAnswer = (response) => void response.socket?.resetAndDestroy();
    const error = await failure(loginWith());
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: true });
    expect(error.message).toMatch(/could not be reached/);
  });

  it("are unreadable when they do not come in time", async () => {
    host.keysAnswer = () => {};
    const error = await failure(loginWith({}, {}, host.clientWith({ timeoutMs: 2_000 })));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: true });
    expect(error.message).toMatch(/within 2000 ms/);
  });

  it("are aborted when the caller aborts, with the caller's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("the user left");
    host.keysAnswer = () => controller.abort(reason);
    const call = login(host, (pending) => idTokenFor(host, pending), host.client, {
      signal: controller.signal,
    });
    expect(await rejection(call)).toBe(reason);
  });

  it("are read with the client's fetch, when it has one", async () => {
    const asked: string[] = [];
    const client = host.clientWith({
      fetch: (input, init) => {
        asked.push(`${String(input)} ${init?.redirect}`);
        return fetch(input, init);
      },
    });
    await loginWith({}, {}, client);
    expect(asked).toEqual([`${host.origin}/oauth/token manual`, `${host.origin}/oauth/2023-10/certs manual`]);
  });

  it("are refused from a fetch that followed a redirect nevertheless", async () => {
    host.keysAnswer = (response) => {
      host.keysAnswer = undefined;
      response.writeHead(302, { location: "/oauth/2023-10/certs" }).end();
    };
    const client = host.clientWith({ fetch: (input, init) => fetch(input, { ...init, redirect: "follow" }) });
    const error = await failure(loginWith({}, {}, client));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: true });
    expect(error.message).toMatch(/redirect/);
  });
});

it("keeps an ID token and its nonce out of every error", async () => {
  const seen: string[] = [];
  const secrets: string[] = [];
  const attempt = async (claims: Record<string, unknown>, signing: Signing = {}) => {
    const call = login(host, (pending) => {
      const idToken = idTokenFor(host, pending, claims, signing);
      secrets.push(pending.nonce, pending.state, ...idToken.split("."));
      return idToken;
    });
    const error = await failure(call);
    seen.push(inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error), `${error.stack}`);
  };
  await attempt({ nonce: "other" });
  await attempt({ aud: "aud-canary" });
  await attempt({ iss: "iss-canary" });
  await attempt({}, { key: OTHER_EC.privateKey });
  await attempt({}, { kid: "kid-canary" });
  host.keysAnswer = (response) => void response.writeHead(200).end("<html>");
  await attempt({}, { kid: "kid-canary" });
  expect(seen).toHaveLength(18);
  for (const secret of [...secrets, "aud-canary", "iss-canary", "kid-canary", "at-canary-1"]) {
    expect(seen.join("\n").includes(secret)).toBe(false);
  }
});
