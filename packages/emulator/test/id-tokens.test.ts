import { constants, createPublicKey, type JsonWebKey, verify, X509Certificate } from "node:crypto";
import { expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, readClaims, requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

type ShownKey = JsonWebKey & { kid?: string; alg?: string; x5c: readonly string[]; x5t: string };

async function fetchKeys(talkdesk: Emulator, path = "2023-10/certs"): Promise<readonly ShownKey[]> {
  return (await send(talkdesk.endpoints().jwks.replace("2023-10/certs", path))).json.keys;
}

async function requestIdToken(talkdesk: Emulator, nonce?: string): Promise<string> {
  const { code } = await talkdesk.authorize({ scope: "openid", ...(nonce !== undefined && { nonce }) });
  return (await exchange(talkdesk, code)).json.id_token;
}

function readHeader(jwt: string): { kid: string; alg: string } {
  return JSON.parse(Buffer.from(jwt.split(".")[0] ?? "", "base64url").toString());
}

function isSignedByOneOf(keys: readonly ShownKey[], jwt: string): boolean {
  const { kid, alg } = readHeader(jwt);
  const key = keys.find((item) => item.kid === kid);
  if (key === undefined) return false;
  const [, signed = "", signature = ""] = /^(.*)\.([^.]*)$/.exec(jwt) ?? [];
  const scheme =
    alg === "RS256" ? { padding: constants.RSA_PKCS1_PADDING } : { dsaEncoding: "ieee-p1363" as const };
  return verify(
    "sha256",
    Buffer.from(signed),
    { key: createPublicKey({ key, format: "jwk" }), ...scheme },
    Buffer.from(signature, "base64url"),
  );
}

it.each(["ES256", "RS256"] as const)(
  "signs ID tokens with %s; they have the documented claims and one that says they are fake",
  async (alg) => {
    await using talkdesk = await startEmulator({ idTokenAlgorithm: alg });
    const jwt = await requestIdToken(talkdesk, "n-1");
    expect(readHeader(jwt)).toEqual({ alg, kid: expect.any(String) });
    expect(isSignedByOneOf(await fetchKeys(talkdesk), jwt)).toBe(true);
    const claims = readClaims(jwt);
    expect(claims).toEqual({
      iss: new URL(talkdesk.endpoints().authorize).origin,
      sub: expect.stringMatching(/^[0-9a-f]{24}$/),
      aud: talkdesk.clients.get().clientId,
      iat: expect.any(Number),
      exp: claims.iat + 599,
      nonce: "n-1",
      emulator: true,
    });
  },
);

it("puts the issuer that is set into ID tokens, and no nonce when none was sent", async () => {
  await using talkdesk = await startEmulator({ idTokenIssuer: "https://www.talkdeskid.com" });
  const claims = readClaims(await requestIdToken(talkdesk));
  expect(claims.iss).toBe("https://www.talkdeskid.com");
  expect(claims).not.toHaveProperty("nonce");
});

it("sets the times of tokens by its own clock", async () => {
  await using talkdesk = await startEmulator({ clockSkewMs: -3_600_000 });
  const anHourAgo = Date.now() / 1000 - 3600;
  const access = readClaims((await requestToken(talkdesk)).json.access_token);
  for (const { iat } of [readClaims(await requestIdToken(talkdesk)), access]) {
    expect(Math.abs(iat - anHourAgo)).toBeLessThan(30);
  }
  expect(access.exp - access.iat).toBe(600);
});

it("publishes an EC and an RSA key, with a leading zero byte and a certificate that can be read", async () => {
  await using talkdesk = await startEmulator();
  const keys = await fetchKeys(talkdesk);
  expect(keys.map(({ kty, alg }) => [kty, alg])).toEqual([
    ["EC", "ES256"],
    ["RSA", "RS256"],
  ]);
  const [ec, rsa] = keys;
  expect([...Buffer.from(ec?.x ?? "", "base64url")].slice(0, 1)).toEqual([0]);
  expect(Buffer.from(ec?.x ?? "", "base64url")).toHaveLength(33);
  expect([...Buffer.from(rsa?.n ?? "", "base64url")].slice(0, 1)).toEqual([0]);
  expect(Buffer.from(rsa?.n ?? "", "base64url")).toHaveLength(257);
  for (const key of keys) {
    const certificate = new X509Certificate(Buffer.from(key.x5c[0] ?? "", "base64"));
    expect(certificate.subject).toBe("CN=Talkdesk emulator");
    expect(certificate.publicKey.equals(createPublicKey({ key, format: "jwk" }))).toBe(true);
    expect(certificate.verify(createPublicKey({ key: rsa as JsonWebKey, format: "jwk" }))).toBe(true);
    expect(Buffer.from(key.x5t, "base64").toString()).toBe(
      certificate.fingerprint.replaceAll(":", "").toLowerCase(),
    );
    expect(JSON.stringify(key)).not.toMatch(/"(?:d|p|q|dp|dq|qi)":/);
  }
  for (const key of await fetchKeys(talkdesk, "certs")) {
    expect(() => new X509Certificate(Buffer.from(key.x5c[0] ?? "", "base64"))).toThrow();
  }
});

it("keys.rotate() makes new keys, and keeps the old ones published or withdraws them", async () => {
  await using talkdesk = await startEmulator();
  const first = await requestIdToken(talkdesk);
  talkdesk.keys.rotate();
  const second = await requestIdToken(talkdesk);
  expect(readHeader(second).kid).not.toBe(readHeader(first).kid);
  const both = await fetchKeys(talkdesk);
  expect(both).toHaveLength(4);
  expect([first, second].map((jwt) => isSignedByOneOf(both, jwt))).toEqual([true, true]);

  talkdesk.keys.rotate({ keepOld: false });
  const third = await requestIdToken(talkdesk);
  const last = await fetchKeys(talkdesk);
  expect(last).toHaveLength(2);
  expect([first, second, third].map((jwt) => isSignedByOneOf(last, jwt))).toEqual([false, false, true]);
  const { access_token: access } = (await requestToken(talkdesk)).json;
  expect(isSignedByOneOf(last, access)).toBe(true);

  expect(() => talkdesk.keys.rotate({ keep: true } as object)).toThrow("keep");
  expect(() => talkdesk.keys.rotate({ keepOld: 1 as never })).toThrow("keepOld");
});

it("gives the same keys after the same rotations, and others for another seed", async () => {
  async function fetchRotatedKeys(seed: string): Promise<readonly ShownKey[]> {
    await using talkdesk = await startEmulator({ seed });
    talkdesk.keys.rotate();
    return await fetchKeys(talkdesk);
  }
  const keys = await fetchRotatedKeys("a");
  expect(await fetchRotatedKeys("a")).toEqual(keys);
  const others = await fetchRotatedKeys("b");
  expect(others.some(({ kid }) => keys.some((key) => key.kid === kid))).toBe(false);
});
