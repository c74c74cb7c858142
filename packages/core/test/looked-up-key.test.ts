import { type PrivateKeyJwtOptions, privateKeyJwt, requestToken } from "@talkdesk-oauth/core";
import jwt from "jsonwebtoken";
import { describe, expect, it } from "vitest";
import { shown } from "./support/shown.js";
import { issued, KEYS } from "./support/signing-keys.js";
import { clientOf, failure, granted, type TokenEndpoint, tokenEndpoint } from "./support/token-endpoint.js";

const grant = { grant_type: "client_credentials" } as const;
const first = issued(KEYS.ES256.privateKey);
const second = issued(KEYS.ES384.privateKey);

function clientWith(server: TokenEndpoint, options: Partial<PrivateKeyJwtOptions>, timeoutMs?: number) {
  const authentication = privateKeyJwt({
    clientId: "client-1",
    keyId: "key-1",
    privateKey: first,
    ...options,
  });
  return clientOf(server, { authentication, ...(timeoutMs !== undefined && { timeoutMs }) });
}

describe("privateKeyJwt with a key that is looked up", () => {
  it("asks for the key and its id for every assertion, so that a rotated key is used at once", async () => {
    await using server = await tokenEndpoint(granted);
    const vault = [
      { id: "key-1", key: first },
      { id: "key-2", key: second },
    ];
    let calls = 0;
    const client = clientWith(server, {
      keyId: async () => vault[calls]?.id ?? "",
      privateKey: async () => vault[calls]?.key ?? "",
    });
    await requestToken(client, grant);
    calls = 1;
    await requestToken(client, grant);
    const headers = server.requests.map(({ body }) => {
      const assertion = new URLSearchParams(body).get("client_assertion") ?? "";
      return jwt.decode(assertion, { complete: true })?.header;
    });
    expect(headers).toEqual([
      { alg: "ES256", kid: "key-1" },
      { alg: "ES384", kid: "key-2" },
    ]);
  });

  it("asks for nothing before the first token call", () => {
    const privateKey = () => {
      throw new Error("too early");
    };
    expect(privateKeyJwt({ clientId: "client-1", keyId: privateKey, privateKey })).toBeTypeOf("function");
  });

  it.each<[string, Partial<PrivateKeyJwtOptions>, RegExp]>([
    ["a key that is none", { privateKey: () => "no key at all" }, /The private key that was looked up/],
    ["a key for another algorithm", { privateKey: () => first, algorithm: "ES384" }, /signs with ES256/],
    ["no key", { privateKey: () => undefined as never }, /The private key that was looked up/],
    ["an empty id", { keyId: () => "" }, /The key id that was looked up must not be empty/],
    ["an id with a line break", { keyId: async () => "key-1\n" }, /control characters/],
  ])("rejects with credentials_unavailable for %s, and sends nothing", async (_, options, message) => {
    await using server = await tokenEndpoint(granted);
    const error = await failure(requestToken(clientWith(server, options), grant));
    expect(error.code).toBe("credentials_unavailable");
    expect(error.message).toMatch(message);
    expect(shown(error)).not.toContain(first.slice(0, 40));
    expect(server.requests).toEqual([]);
  });

  it.each(["privateKey", "keyId"])("limits the wait for %s by the deadline of the call", async (name) => {
    await using server = await tokenEndpoint(granted);
    const client = clientWith(server, { [name]: () => new Promise<string>(() => {}) }, 50);
    expect((await failure(requestToken(client, grant))).code).toBe("credentials_unavailable");
    expect(server.requests).toEqual([]);
  });

  it.each(["privateKey", "keyId"])("repeats nothing that %s fails with", async (name) => {
    await using server = await tokenEndpoint(granted);
    const client = clientWith(server, {
      [name]: async () => {
        throw new Error(`vault said ${first}`);
      },
    });
    const error = await failure(requestToken(client, grant));
    expect(error.code).toBe("credentials_unavailable");
    expect(shown(error)).not.toContain(first.slice(0, 40));
  });

  it("refuses an algorithm that does not exist at once", () => {
    const options = { clientId: "client-1", keyId: "key-1", privateKey: () => first };
    expect(() => privateKeyJwt({ ...options, algorithm: "RS256" as never })).toThrow(
      /algorithm must be one of/,
    );
  });
});
