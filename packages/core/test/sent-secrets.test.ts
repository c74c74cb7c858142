import { clientSecretBasic, type Grant, requestToken } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientOf, endpointsAt, failure, granted, json, tokenEndpoint } from "./support/token-endpoint.js";

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

  it("is masked in every header and parameter that it was sent in", async () => {
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

  const REFRESH = "Rt7-kQ2_xZ9/pL4+mN8=vB3~wY6.hJ1tG5rF0eD2cS4aQ7uI9oP3lK8jH6gM1nB4";
  const refresh: Grant = { grant_type: "refresh_token", refresh_token: REFRESH };
  const html = (text: string, slash = false): string =>
    text.replace(
      slash ? /[&<>"'/=+]/g : /[&<>"'+=]/g,
      (character) => `&#x${character.charCodeAt(0).toString(16).toUpperCase()};`,
    );

  /** Changes that a server, a proxy or a library may make to a text. */
  const CHANGES: [string, (text: string) => string, [number, number]?][] = [
    ["as it is", (text) => text],
    ["in upper case", (text) => text.toUpperCase()],
    ["in lower case", (text) => text.toLowerCase()],
    ["in hexadecimal digits", (text) => Buffer.from(text).toString("hex")],
    ["in hexadecimal digits of upper case", (text) => Buffer.from(text).toString("hex").toUpperCase()],
    ["as a Buffer is shown", (text) => (Buffer.from(text).toString("hex").match(/../g) ?? []).join(" ")],
    ["with escapes of HTML", (text) => html(text)],
    ["with more escapes of HTML", (text) => html(text, true)],
    [
      "with decimal escapes of HTML",
      (text) => text.replace(/[^A-Za-z0-9]/g, (character) => `&#${character.charCodeAt(0)};`),
    ],
    ["percent-encoded", encodeURIComponent],
    ["percent-encoded twice", (text) => encodeURIComponent(encodeURIComponent(text))],
    [
      "percent-encoded byte by byte",
      (text) => [...Buffer.from(text)].map((byte) => `%${byte.toString(16)}`).join(""),
    ],
    ["percent-encoded in part", (text) => text.replaceAll("/", "%2F")],
    ["in JSON with escaped slashes", (text) => JSON.stringify(text).replaceAll("/", "\\/").slice(1, -1)],
    ["in JSON that is safe in HTML", (text) => text.replaceAll("+", "\\u002B").replaceAll("=", "\\u003d")],
    ["in JSON in a URL", (text) => encodeURIComponent(text.replaceAll("/", "\\/"))],
    ["in Base64", base64],
    ["in Base64 after one byte", (text) => base64(`x${text}`)],
    ["in Base64 after two bytes", (text) => base64(`xy${text}`), [3, 88]],
    ["in Base64 of JSON", (text) => base64(JSON.stringify({ refresh_token: text, x: 1 })), [24, 109]],
    ["in Base64url after one byte", (text) => Buffer.from(`x${text}`).toString("base64url")],
    ["in Base64 of lower case", (text) => base64(text).toLowerCase()],
  ];

  /** The longest run that two texts share, whatever their case. */
  function sharedRun(said: string, form: string): number {
    const [text, secret] = [said.toLowerCase(), form.toLowerCase()];
    let longest = 0;
    for (let at = 0; at < text.length; at++) {
      while (at + longest < text.length && secret.includes(text.slice(at, at + longest + 1))) longest += 1;
    }
    return longest;
  }

  it.each(CHANGES)(
    "is masked down to runs of less than eight characters: %s, whole, cut or in pieces",
    async (_, change, ofSecret) => {
      const whole = change(REFRESH);
      const base = Math.floor(whole.length / 3);
      for (const said of [
        whole,
        `<${whole}>`,
        whole.slice(0, 46),
        `${whole.slice(0, 46)}…`,
        `…${whole.slice(-20)}`,
        whole.slice(base, base + 12),
        whole.slice(base + 1, base + 21),
        `${whole.slice(0, 10)}-${whole.slice(10, 30)}.${whole.slice(30)}`,
      ]) {
        const description = await described(said, refresh);
        expect(sharedRun(description, whole.slice(...(ofSecret ?? [])))).toBeLessThan(8);
        expect(description).toContain("***");
      }
    },
  );

  it("is masked in the name, the code and the message of a fault of the network", async () => {
    const client = clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:9") },
      {
        fetch: async () => {
          throw Object.assign(new Error(`to ${REFRESH.toUpperCase().slice(0, 46)}`), {
            code: `E_${REFRESH.slice(20, 40)}`,
          });
        },
      },
    );
    const error = await failure(requestToken(client, refresh));
    expect(error.cause).toMatchObject({ message: "to ***", code: "E_***" });
  });

  it("leaves ordinary words alone when it is very short, and in another case", async () => {
    const client = clientOf(
      { endpoints: endpointsAt("http://127.0.0.1:9") },
      {
        authentication: clientSecretBasic({ clientId: "i", clientSecret: "s" }),
        fetch: async () => {
          throw Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" });
        },
      },
    );
    const error = await failure(requestToken(client, { grant_type: "client_credentials" }));
    expect(error.cause).toMatchObject({ message: "read ECONNRESET", code: "ECONNRESET" });
  });

  it("leaves words alone that share less with it", async () => {
    const said = "The value Rt7-kQ2 is unknown, as are vB3~wY6 and JSON";
    expect(await described(said, refresh)).toBe(said);
  });

  it.each([
    ["text", (length: number) => "the quick brown fox ".repeat(length / 20)],
    ["one character", (length: number) => "a".repeat(length)],
    ["the beginning of the secret", (length: number) => REFRESH.slice(0, 7).repeat(length / 7)],
    ["the secret", (length: number) => REFRESH.repeat(length / 64)],
    ["percent signs", (length: number) => "%".repeat(length)],
    ["escapes", (length: number) => "%2525".repeat(length / 5)],
    ["ampersands", (length: number) => "&#".repeat(length / 2)],
    ["backslashes", (length: number) => "\\".repeat(length)],
    ["characters beyond ASCII", (length: number) => "é".repeat(length)],
  ])("takes time in proportion to a text: %s", async (_, textOf) => {
    const timeOf = async (length: number): Promise<number> => {
      const text = textOf(length);
      const startedAt = process.cpuUsage();
      await described(text, refresh);
      return process.cpuUsage(startedAt).user / 1000;
    };
    await timeOf(4_000);
    // Quadratic, this would be minutes.
    expect(await timeOf(64_000)).toBeLessThan(3_000);
  });

  it("is masked in every form, for any secret", async () => {
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
