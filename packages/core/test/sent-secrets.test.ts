import { clientSecretBasic, type Grant, requestToken } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientOf, endpointsAt, failure, granted, json, tokenEndpoint } from "./token-endpoint.js";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const lowerEscapes = (text: string): string => text.replace(/%../g, (code) => code.toLowerCase());
const formEncoded = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);

/** Forms in which a server, a proxy or a client library may repeat what it was sent. */
const FORMS: [string, (secret: string) => string][] = [
  ["as it is", (secret) => secret],
  ["percent-encoded", encodeURIComponent],
  ["percent-encoded in lower case", (secret) => lowerEscapes(encodeURIComponent(secret))],
  ["form-encoded", formEncoded],
  ["form-encoded in lower case", (secret) => lowerEscapes(formEncoded(secret))],
  ["as JSON", (secret) => JSON.stringify(secret)],
  ["in Base64", base64],
  ["in Base64 without padding", (secret) => base64(secret).replaceAll("=", "")],
  ["in Base64url", (secret) => Buffer.from(secret).toString("base64url")],
];
const PAIR_FORMS: [string, (id: string, secret: string) => string][] = [
  ["as the header", (id, secret) => `Basic ${base64(`${id}:${secret}`)}`],
  ["as credentials", (id, secret) => base64(`${id}:${secret}`)],
  ["as credentials without padding", (id, secret) => base64(`${id}:${secret}`).replaceAll("=", "")],
  ["as a pair", (id, secret) => `${id}:${secret}`],
];
const SECRETS = ["Zx81-qL_0pRst-Uv_w9", "Zx81/q+L=0p%41 &?\"\\'~!*()", "Zx81 é😀 ß", "Zx81$&$1$`^[a-z]+("];

describe("what was sent in secret", () => {
  async function described(description: string, grant: Grant, secret = "secret-1"): Promise<string> {
    const client = clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:9") },
      {
        authentication: clientSecretBasic({ clientId: "client-1", clientSecret: secret }),
        fetch: async () =>
          Response.json({ error: "invalid_request", error_description: description }, { status: 400 }),
      },
    );
    const { errorDescription } = await failure(requestToken(client, grant));
    return errorDescription ?? "";
  }

  it.each(SECRETS.flatMap((secret) => FORMS.map(([form, write]) => [secret, form, write] as const)))(
    "is masked where an answer repeats it: the secret %s %s",
    async (secret, _, write) => {
      const said = await described(
        `before ${write(secret)} after`,
        { grant_type: "client_credentials" },
        secret,
      );
      expect(said).toMatch(/^before "?\*\*\*={0,2}"? after$/);
    },
  );

  it.each(SECRETS.flatMap((secret) => PAIR_FORMS.map(([form, write]) => [secret, form, write] as const)))(
    "is masked where an answer repeats it: the secret %s %s",
    async (secret, _, write) => {
      const said = await described(
        `before ${write("client-1", secret)} after`,
        { grant_type: "client_credentials" },
        secret,
      );
      expect(said).toMatch(/^before (Basic |client-1:)?\*\*\* after$/);
    },
  );

  it.each<[string, Grant]>([
    ["code", { grant_type: "authorization_code", code: "PLANT", redirect_uri: "https://app.example.com/cb" }],
    [
      "verifier",
      { grant_type: "authorization_code", code: "c0de", redirect_uri: "r", code_verifier: "PLANT" },
    ],
    ["refresh token", { grant_type: "refresh_token", refresh_token: "PLANT" }],
  ])("is masked where an answer repeats it: the %s in every form", async (_, grant) => {
    for (const secret of SECRETS) {
      const planted = JSON.parse(JSON.stringify(grant), (__, value) =>
        value === "PLANT" ? secret : value,
      ) as Grant;
      for (const [, write] of FORMS) {
        expect(await described(`before ${write(secret)} after`, planted)).toMatch(
          /^before "?\*\*\*={0,2}"? after$/,
        );
      }
    }
  });

  it("is masked in every place at once", async () => {
    const said = await described(
      "s3cr3t, S s3cr3t; s3cr3ts3cr3t",
      { grant_type: "client_credentials" },
      "s3cr3t",
    );
    expect(said).toBe("***, S ***; ******");
  });

  it("is masked before the text is cut, wherever the cut falls", async () => {
    const secret = "0123456789abcdefghijklmnop";
    for (let before = 225; before <= 260; before++) {
      const said = await described(
        `${"-".repeat(before)}${secret}`,
        { grant_type: "client_credentials" },
        secret,
      );
      expect(said).not.toMatch(/\d/);
    }
  });

  it("is masked in members that are kept of a token", async () => {
    await using server = await tokenEndpoint(
      json(200, {
        access_token: "t",
        debug: { echo: ["client_secret=s3cr3t&x"] },
        trace: base64("client-1:s3cr3t"),
      }),
    );
    const authentication = clientSecretBasic({ clientId: "client-1", clientSecret: "s3cr3t" });
    const token = await requestToken(clientOf(server, { authentication }), {
      grant_type: "client_credentials",
    });
    expect(token.extra).toEqual({ debug: { echo: ["client_secret=***&x"] }, trace: "***" });
  });

  it("is masked whatever header or parameter it was sent in", async () => {
    await using server = await tokenEndpoint((response, request) =>
      json(400, {
        error: "invalid_request",
        error_description: JSON.stringify({ ...request.headers, body: request.body }),
      })(response, request),
    );
    const client = clientOf(server, {
      authentication: ({ headers, body }) => {
        headers.set("x-api-key", "canary-header");
        headers.set("authorization", "DPoP canary-scheme");
        headers.set("cookie", "canary-cookie");
        body.set("client_secret", "canary/body");
        body.set("client_assertion", "canary.assertion.x");
      },
    });
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.errorDescription).toContain("***");
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain("canary");
  });

  it("does not mask what is public: the grant type, the scope, the redirect URI, the client id", async () => {
    const said = "client-1 may not ask client_credentials for account:read";
    expect(await described(said, { grant_type: "client_credentials", scope: "account:read" })).toBe(said);
    const uri = "https://app.example.com/cb is not registered";
    expect(
      await described(uri, {
        grant_type: "authorization_code",
        code: "c0de",
        redirect_uri: "https://app.example.com/cb",
      }),
    ).toBe(uri);
  });

  it("never hides the words of the protocol, however short the secret", async () => {
    for (const secret of ["invalid_client", "i", "client", "_"]) {
      await using server = await tokenEndpoint(json(401, { error: "invalid_client" }));
      const authentication = clientSecretBasic({ clientId: "client-1", clientSecret: secret });
      const error = await failure(
        requestToken(clientOf(server, { authentication }), { grant_type: "client_credentials" }),
      );
      expect(error).toMatchObject({ code: "client_refused", error: "invalid_client" });
    }
  });

  it("does not reach the token's own members, which a secret may happen to be part of", async () => {
    await using server = await tokenEndpoint(granted);
    const authentication = clientSecretBasic({ clientId: "client-1", clientSecret: "token" });
    const token = await requestToken(clientOf(server, { authentication }), {
      grant_type: "client_credentials",
    });
    expect(token.value).toBe("token-1");
  });

  it("is masked whatever it is, in every form", async () => {
    const secret = fc
      .string({ unit: "binary", minLength: 12, maxLength: 40 })
      .filter((text) => !/\p{Cc}|\*/u.test(text));
    await fc.assert(
      fc.asyncProperty(secret, fc.constantFrom(...FORMS.map(([, write]) => write)), async (text, write) => {
        const said = await described(`<${write(text)}>`, { grant_type: "client_credentials" }, text);
        expect(said).toMatch(/^<"?\*\*\*={0,2}"?>$/);
      }),
      { numRuns: 100 },
    );
  });
});
