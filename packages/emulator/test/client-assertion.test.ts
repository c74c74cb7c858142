import { createHash, createPrivateKey, randomUUID } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type Emulator,
  type EmulatorClient,
  type KeyAlgorithm,
  startEmulator,
} from "./support/package-under-test.js";
import { makeBasicHeader } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
});
afterAll(() => talkdesk.stop());

const ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/** Signs an assertion that is right unless changed, with a library that the emulator does not use. */
function signAssertion(
  client: EmulatorClient,
  claims: Record<string, unknown> = {},
  { algorithm = client.keyAlgorithm, keyId = client.keyId, signer = client } = {},
  now: number = Date.now(),
): string {
  const iat = Math.floor(now / 1000);
  const payload = {
    iss: client.clientId,
    sub: client.clientId,
    aud: talkdesk.endpoints(client.account).token,
    jti: randomUUID(),
    iat,
    exp: iat + 300,
    ...claims,
  };
  const der = Buffer.from(signer.privateKey, "base64");
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const kept = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined));
  return jsonwebtoken.sign(kept, key, { algorithm, keyid: keyId });
}

function post(
  jwt: string,
  form: Record<string, string> = {},
  headers: Record<string, string> = {},
  emulator: Emulator = talkdesk,
): Promise<WireResponse> {
  return send(emulator.endpoints().token, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams({
      grant_type: "client_credentials",
      client_assertion_type: ASSERTION_TYPE,
      client_assertion: jwt,
      ...form,
    }).toString(),
  });
}

it("issues keys as the service does: PKCS#8 on one line, and the same for the same seed", async () => {
  const { keyId, keyAlgorithm, privateKey } = talkdesk.clients.get();
  expect(keyId).toMatch(/^[0-9a-f]{32}$/);
  expect(keyAlgorithm).toBe("ES256");
  expect(privateKey).toMatch(/^[A-Za-z0-9+/]{182}==$|^[A-Za-z0-9+/]{184}$/);
  await using again = await startEmulator();
  expect(again.clients.get().privateKey).toBe(privateKey);
});

it.each(["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"] as const)(
  "accepts %s",
  async (keyAlgorithm: KeyAlgorithm) => {
    const client = talkdesk.clients.add({ keyAlgorithm });
    const answer = await post(signAssertion(client), { client_id: client.clientId });
    expect([answer.status, answer.json.token_type]).toEqual([200, "Bearer"]);
  },
);

describe("an assertion is refused", () => {
  const now = Math.floor(Date.now() / 1000);
  it.each([
    ["with another audience", { aud: "https://acme.talkdeskid.com/oauth/token" }, "aud"],
    ["with two audiences", { aud: ["a", "b"] }, "aud"],
    ["with another subject", { sub: "other" }, "sub"],
    ["from an unknown client", { iss: "other", sub: "other" }, "does not have"],
    ["without a jti", { jti: undefined }, "jti"],
    ["without an end", { exp: undefined }, "exp"],
    ["that lives too long", { exp: now + 400, iat: now }, "300"],
    ["that has expired", { iat: now - 400, exp: now - 100 }, "expired"],
    ["from the future", { iat: now + 100, exp: now + 200 }, "future"],
  ])("%s", async (_name, claims, named) => {
    const answer = await post(signAssertion(talkdesk.clients.get(), claims));
    expect([answer.status, answer.json.error]).toEqual([401, "invalid_client"]);
    expect(answer.json.error_description).toContain(named);
  });

  it("that was used before", async () => {
    const jwt = signAssertion(talkdesk.clients.get());
    expect((await post(jwt)).status).toBe(200);
    expect((await post(jwt)).json.error_description).toContain("jti");
  });

  it("with the key of another client, another algorithm, another key id, or a key that was replaced", async () => {
    const client = talkdesk.clients.add();
    const other = talkdesk.clients.add();
    const rsa = talkdesk.clients.add({ keyAlgorithm: "PS256" });
    expect((await post(signAssertion(client, {}, { signer: other }))).json.error_description).toContain(
      "signature",
    );
    expect(
      (await post(signAssertion(client, {}, { algorithm: "PS256", signer: rsa }))).json.error_description,
    ).toContain("alg");
    expect((await post(signAssertion(client, {}, { keyId: other.keyId }))).json.error_description).toContain(
      "kid",
    );
    const rotated = talkdesk.clients.rotateKey(client.clientId);
    expect((await post(signAssertion(client))).status).toBe(401);
    expect((await post(signAssertion(rotated))).status).toBe(200);
  });

  it("that is not a JWT or is unsigned, beside a secret, and for another client", async () => {
    const client = talkdesk.clients.get();
    const unsigned = jsonwebtoken.sign({ iss: client.clientId, sub: client.clientId }, "", {
      algorithm: "none",
    });
    expect((await post("no jwt")).status).toBe(401);
    expect((await post(unsigned)).status).toBe(401);
    expect((await post(signAssertion(client), {}, { authorization: makeBasicHeader(client) })).status).toBe(
      400,
    );
    expect((await post(signAssertion(client), { client_id: "other" })).status).toBe(400);
    expect((await post(signAssertion(client), { client_assertion_type: "other" })).status).toBe(401);
    const globex = talkdesk.clients.get("globex");
    expect((await post(signAssertion(globex))).status).toBe(401);
  });
});

it("judges assertions by its own clock, which Date shows", async () => {
  await using ahead = await startEmulator({ clockSkewMs: 600_000 });
  const client = ahead.clients.get();
  const aud = ahead.endpoints().token;
  const refused = await post(signAssertion(client, { aud }), {}, {}, ahead);
  expect(refused.json.error_description).toContain("clock");
  const date = Date.parse(refused.headers.date ?? "");
  expect(Math.abs(date - Date.now() - 600_000)).toBeLessThan(60_000);
  expect((await post(signAssertion(client, { aud }, {}, date), {}, {}, ahead)).status).toBe(200);
});

it("accepts only the authentication methods that a client is registered for", async () => {
  const signing = talkdesk.clients.add({ authenticationMethods: ["private_key_jwt"] });
  const secret = talkdesk.clients.add({ authenticationMethods: ["client_secret_basic"] });
  const form = "grant_type=client_credentials";
  const withSecret = (client: EmulatorClient): Promise<WireResponse> =>
    send(talkdesk.endpoints().token, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: makeBasicHeader(client),
      },
      body: form,
    });
  expect((await post(signAssertion(signing))).status).toBe(200);
  expect((await withSecret(secret)).status).toBe(200);
  for (const answer of [await withSecret(signing), await post(signAssertion(secret))]) {
    expect([answer.status, answer.json.error]).toEqual([401, "invalid_client"]);
    expect(answer.json.error_description).toContain("not registered");
  }
});

it("repeats nothing of a refused assertion", async () => {
  const canary = "canary-5d1f";
  const client = talkdesk.clients.get();
  const [head, payload, signature] = signAssertion(client).split(".");
  for (const jwt of [
    signAssertion(client, { aud: canary }),
    signAssertion(client, { iss: canary, sub: canary }),
    signAssertion(client, { sub: canary }),
    signAssertion(client, {}, { keyId: canary }),
    `${head}.${payload}.${canary}`,
    `${head}.${canary}.${signature}`,
    canary,
  ]) {
    const answer = await post(jwt);
    expect(answer.status).toBe(401);
    expect(answer.text).not.toContain(canary);
    for (const part of jwt.split(".")) expect(answer.text).not.toContain(part);
  }
});

it("makes RSA keys of 2048 bits, which follow from the seed", async () => {
  await using talkdesk = await startEmulator({ seed: "rsa" });
  const { privateKey } = talkdesk.clients.add({ keyAlgorithm: "PS384" });
  const key = createPrivateKey({ key: Buffer.from(privateKey, "base64"), format: "der", type: "pkcs8" });
  expect(key.asymmetricKeyDetails?.modulusLength).toBe(2048);
  expect(createHash("sha256").update(privateKey).digest("hex").slice(0, 16)).toBe("17fb523e3d0750ad");
});
