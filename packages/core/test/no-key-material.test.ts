import { inspect } from "node:util";
import {
  clientCredentials,
  type Grant,
  isTalkdeskError,
  privateKeyJwt,
  requestToken,
  serviceToken,
  type TokenEvent,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { shown } from "./support/shown.js";
import { cryptoKey, issued, KEYS, pem, pkcs8 } from "./support/signing-keys.js";
import {
  type Answer,
  clientOf,
  endpointsAt,
  json,
  rejection,
  text,
  tokenEndpoint,
} from "./support/token-endpoint.js";

const key = KEYS.ES256.privateKey;
const { d = "" } = key.export({ format: "jwk" });
const number = Buffer.from(d, "base64url");

/** Ten characters in a row of any of these are too much already. */
const windows = (text: string): string[] =>
  Array.from({ length: Math.max(0, text.length - 9) }, (_, at) => text.slice(at, at + 10));
const KEY_TRACES = [
  issued(key),
  pkcs8(key).toString("base64url"),
  pkcs8(key).toString("hex"),
  number.toString("base64"),
  d,
  number.toString("hex"),
  [...number].join(", "),
].flatMap(windows);

/** The secret parts of the assertions that were sent: all but their headers, which contain algorithm and key id. */
function tracesOf(bodies: readonly string[]): string[] {
  return bodies.flatMap((body) => {
    const assertion = new URLSearchParams(body).get("client_assertion") ?? "";
    const [, claims = "", signature = ""] = assertion.split(".");
    return [...windows(claims), ...windows(signature), ...windows(Buffer.from(assertion).toString("base64"))];
  });
}

function expectNothingSecretIn(thing: unknown, bodies: readonly string[] = []): void {
  const text = shown(thing);
  const found = [...KEY_TRACES, ...tracesOf(bodies)].filter((trace) => text.includes(trace));
  expect(found).toEqual([]);
}

const extractable = await cryptoKey("ES256", { extractable: true });
const options = { clientId: "client-1", keyId: "key-1", privateKey: issued(key) };
const GRANTS: Grant[] = [
  { grant_type: "client_credentials", scope: "users:read" },
  { grant_type: "client_credentials", token_type: "opaque" },
  { grant_type: "authorization_code", code: "c", redirect_uri: "https://app.example.com/cb" },
  { grant_type: "refresh_token", refresh_token: "r" },
];

/** An assertion in every form in which an answer may repeat it. */
function echoOf(body: string): string {
  const assertion = new URLSearchParams(body).get("client_assertion") ?? "";
  const forms = (value: string) => [
    value,
    encodeURIComponent(value),
    JSON.stringify(value),
    Buffer.from(value).toString("base64"),
    Buffer.from(value).toString("base64url"),
  ];
  return [body, ...[assertion, ...assertion.split(".")].flatMap(forms)].join(" ");
}

const ANSWERS: [string, (echo: string) => Answer][] = [
  ["a description", (echo) => json(400, { error: "invalid_request", error_description: echo })],
  ["a refusal", (echo) => json(401, { error: "invalid_client", error_description: echo })],
  ["an error", (echo) => json(401, { error: echo })],
  ["an envelope", (echo) => json(403, { code: echo, message: echo })],
  ["an outage", (echo) => json(503, { message: echo })],
  ["a page", (echo) => text(200, echo, { "content-type": "text/html" })],
  [
    "a content type",
    (echo) => text(200, "", { "content-type": `text/html; x="${encodeURIComponent(echo)}"` }),
  ],
  ["a redirect", (echo) => text(302, "", { location: `https://x.example.com/?${encodeURIComponent(echo)}` })],
  ["members of a token", (echo) => json(200, { access_token: "t", expires_in: 599, echo, deep: [{ echo }] })],
];

describe("neither the key nor an assertion is shown", () => {
  it("except where these tests show it on purpose", async () => {
    for (const trace of [options.privateKey, d, number.toString("hex")]) {
      expect(() => expectNothingSecretIn(new Error(trace))).toThrow();
      expect(() => expectNothingSecretIn({ key: [trace.slice(3, 15)] })).toThrow();
    }
    await using server = await tokenEndpoint(json(200, { access_token: "t" }));
    await requestToken(clientOf(server, { authentication: privateKeyJwt(options) }), GRANTS[0] as Grant);
    const [sent] = server.requests;
    expect(() => expectNothingSecretIn(sent, [sent?.body ?? ""])).toThrow();
    expect(() => expectNothingSecretIn(echoOf(sent?.body ?? ""), [sent?.body ?? ""])).toThrow();
  });

  it.each(ANSWERS)("by what comes of an answer that repeats it: %s", async (_, answer) => {
    for (const grant of GRANTS) {
      await using server = await tokenEndpoint((response, request) =>
        answer(echoOf(request.body))(response, request),
      );
      const client = clientOf(server, { authentication: privateKeyJwt(options) });
      const outcome = await requestToken(client, grant).catch((error: unknown) => error);
      expectNothingSecretIn(
        outcome,
        server.requests.map(({ body }) => body),
      );
    }
  });

  it("by the error of a fetch that shows its request", async () => {
    for (const grant of GRANTS) {
      for (const code of [undefined, "ECONNREFUSED", "CERT_HAS_EXPIRED", "ECONNRESET"]) {
        const bodies: string[] = [];
        const client = clientOf(
          { endpoints: endpointsAt("http://127.0.0.1:9") },
          {
            authentication: privateKeyJwt(options),
            fetch: async (url, init) => {
              bodies.push(String(init?.body));
              const cause = Object.assign(new Error(inspect(init)), { init, code });
              throw Object.assign(new TypeError(`fetch failed: ${String(init?.body)}`, { cause }), {
                url,
                init,
              });
            },
          },
        );
        const error = await rejection(requestToken(client, grant));
        expect(isTalkdeskError(error)).toBe(true);
        expectNothingSecretIn(error, bodies);
      }
    }
  });

  it("by the error of a platform that refuses the key", async () => {
    onTestFinished(() => void vi.restoreAllMocks());
    vi.spyOn(crypto.subtle, "importKey").mockImplementation(async (...given) => {
      throw Object.assign(new Error(`${options.privateKey} ${number.toString("hex")}`), { given });
    });
    const authentication = privateKeyJwt(options);
    const client = clientOf({ endpoints: endpointsAt("http://127.0.0.1:9") }, { authentication });
    const error = await rejection(requestToken(client, { grant_type: "client_credentials" }));
    expect(error).toMatchObject({ code: "credentials_unavailable" });
    expectNothingSecretIn(error);
  });

  it.each([
    ["as issued", issued(key)],
    ["as PEM", pem(key)],
    ["as SEC 1", key.export({ type: "sec1", format: "pem" }) as string],
    ["as a CryptoKey that can be exported", extractable],
  ])(
    "by an authentication and a client, with the key %s, before and after it was used",
    async (_, privateKey) => {
      await using server = await tokenEndpoint(json(200, { access_token: "t" }));
      const authentication = privateKeyJwt({ ...options, privateKey });
      const client = clientOf(server, { authentication });
      for (const thing of [authentication, client]) expectNothingSecretIn(thing);
      await requestToken(client, { grant_type: "client_credentials" });
      for (const thing of [authentication, client]) {
        expectNothingSecretIn(
          thing,
          server.requests.map(({ body }) => body),
        );
      }
    },
  );

  it("by a TypeError about the key or its algorithm", async () => {
    const base64 = options.privateKey;
    const mistakes: (() => unknown)[] = [
      ...["!", "\0", ".", "-----BEGIN PRIVATE KEY-----"].map(
        (stray) => () =>
          privateKeyJwt({ ...options, privateKey: `${base64.slice(0, 90)}${stray}${base64.slice(90)}` }),
      ),
      () => privateKeyJwt({ ...options, privateKey: base64.slice(0, -9) }),
      () => privateKeyJwt({ ...options, privateKey: JSON.stringify(key.export({ format: "jwk" })) }),
      () => privateKeyJwt({ ...options, privateKey: pkcs8(key) as unknown as string }),
      () => privateKeyJwt({ ...options, privateKey: key as unknown as string }),
      () => privateKeyJwt({ ...options, algorithm: "PS256" }),
      () => privateKeyJwt({ ...options, algorithm: base64 as "ES256" }),
      () => privateKeyJwt({ ...options, clientId: `${base64}\n` }),
      () => privateKeyJwt({ ...options, keyId: `${base64}\n` }),
      () => privateKeyJwt({ ...options, audience: `${base64}\n` }),
      () => talkdeskClientFromEnv({ TALKDESK_PRIVATE_KEY: base64, TALKDESK_CLIENT_SECRET: base64 }),
      () => talkdeskClientFromEnv({ TALKDESK_PRIVATE_KEY: base64 }),
      () =>
        talkdeskClientFromEnv({
          TALKDESK_ACCOUNT: "acme",
          TALKDESK_CLIENT_ID: "i",
          TALKDESK_KEY_ID: "k",
          TALKDESK_PRIVATE_KEY: base64.slice(0, -9),
        }),
    ];
    for (const mistake of mistakes) {
      const error = await rejection((async () => mistake())());
      expect(error).toBeInstanceOf(TypeError);
      expectNothingSecretIn(error);
    }
  });

  it.each([clientCredentials, serviceToken])("by a source, its events and its errors", async (makeSource) => {
    await using server = await tokenEndpoint(
      json(200, { access_token: "t", expires_in: 86_400 }),
      (response, request) =>
        json(401, { error: "invalid_client", error_description: echoOf(request.body) })(response, request),
    );
    const events: TokenEvent[] = [];
    const source = makeSource(clientOf(server, { authentication: privateKeyJwt(options) }), {
      onEvent: (event) => void events.push(event),
    });
    const rejected = await source.getToken();
    const error = await rejection(source.getToken({ rejected })).catch((reason: unknown) => reason);
    await source.close();
    const bodies = server.requests.map(({ body }) => body);
    expect(bodies.length).toBeGreaterThan(1);
    for (const thing of [source, rejected, error, ...events]) expectNothingSecretIn(thing, bodies);
  });

  it("in a URL or a header", async () => {
    await using server = await tokenEndpoint(json(200, { access_token: "t" }));
    const client = clientOf(server, { authentication: privateKeyJwt(options) });
    for (const grant of GRANTS) await requestToken(client, grant);
    const bodies = server.requests.map(({ body }) => body);
    for (const { url, headers } of server.requests) expectNothingSecretIn([url, headers], bodies);
  });
});
