import {
  type AccessToken,
  type Grant,
  isTalkdeskError,
  parseTokenResponse,
  type TalkdeskError,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const AT = Date.UTC(2026, 0, 2);
const clientCredentials: Grant = { grant_type: "client_credentials" };
const opaque: Grant = { grant_type: "client_credentials", token_type: "opaque" };

interface Answered {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  readonly grant?: Grant;
}

function read(body: string | Uint8Array, { status = 200, headers, grant }: Answered = {}): AccessToken {
  return parseTokenResponse(
    {
      status,
      headers: new Headers(headers ?? { "content-type": "application/json" }),
      body: typeof body === "string" ? new TextEncoder().encode(body) : body,
    },
    { requestedAt: AT, grant: grant ?? clientCredentials },
  );
}

function readMembers(members: object, answered?: Answered): AccessToken {
  return read(JSON.stringify({ access_token: "t", ...members }), answered);
}

function errorOf(action: () => unknown): TalkdeskError {
  try {
    action();
  } catch (error) {
    if (isTalkdeskError(error)) return error;
    throw error;
  }
  throw new Error("It did not throw.");
}

describe("an answer with a token", () => {
  it("gives every member that is known, and the others as extra", () => {
    const token = read(
      JSON.stringify({
        access_token: "at",
        token_type: "Bearer",
        expires_in: 599,
        scope: "account:read callback:write",
        refresh_token: "rt",
        sid: "0123456789abcdef0123456789abcdef",
        id_token: "h.p.s",
        tenant: { name: "acme", tags: ["a"] },
      }),
      { grant: { grant_type: "authorization_code", code: "c", redirect_uri: "https://app.example.com/cb" } },
    );
    expect(token).toMatchObject({
      value: "at",
      authorization: "Bearer at",
      type: "Bearer",
      issuedAt: AT,
      expiresAt: AT + 599_000,
      expiryAssumed: false,
      scope: ["account:read", "callback:write"],
      refreshToken: "rt",
      sessionId: "0123456789abcdef0123456789abcdef",
      idToken: "h.p.s",
      extra: { tenant: { name: "acme", tags: ["a"] } },
    });
  });

  it("leaves out what was not said", () => {
    const token = readMembers({});
    expect(token.type).toBe("Bearer");
    expect("scope" in token).toBe(false);
    expect(token.refreshToken).toBeUndefined();
    expect(token.sessionId).toBeUndefined();
    expect(token.idToken).toBeUndefined();
    expect(token.extra).toEqual({});
  });

  it.each(["Bearer", "bearer", "BEARER", "bEaReR", "", undefined, null])(
    "takes the token_type %j for Bearer",
    (type) => {
      const token = readMembers({ token_type: type });
      expect(token.authorization).toBe("Bearer t");
    },
  );

  it.each(["mac", "dpop", "Bearer ", " bearer", "N_A", 7, true, {}, ["Bearer"]])(
    "refuses the token_type %j, without repeating it or the token",
    (type) => {
      const error = errorOf(() => readMembers({ access_token: "canary", token_type: type }));
      expect(error).toMatchObject({ code: "unsupported_token_type", retryable: false, status: 200 });
      expect(JSON.stringify(error)).not.toMatch(/canary|mac|dpop|N_A/);
    },
  );

  it.each(["Bearer", "opaque", "mac", "", 7, null, undefined])(
    "sends a service token without a scheme, for any token_type (%j)",
    (type) => {
      const token = readMembers({ access_token: "abc", token_type: type }, { grant: opaque });
      expect(token.type).toBe("opaque");
      expect(token.authorization).toBe("abc");
    },
  );

  it("knows a service token that it did not ask for by its beginning", () => {
    expect(readMembers({ access_token: "tdst_abc", token_type: "Bearer" }).authorization).toBe("tdst_abc");
  });

  it.each<[unknown, number]>([
    [599, 599],
    ["599", 599],
    ["0599", 599],
    [59.9, 59],
    [0.5, 0],
    [0, 0],
    ["0", 0],
    [-1, -1],
    [-0.5, -1],
    [86_400, 86_400],
    [31_556_952, 31_556_952],
    [1e12, 366 * 86_400],
    ["9".repeat(400), 366 * 86_400],
  ])("reads the lifetime %j as %d seconds", (expires_in, seconds) => {
    const token = readMembers({ expires_in });
    expect(token.expiresAt - token.issuedAt).toBe(seconds * 1000);
    expect(token.expiryAssumed).toBe(false);
  });

  it.each(["1e999", "-1e999", "-1e308", "1e308"])(
    "keeps the end of the lifetime %s a number",
    (expires_in) => {
      const token = read(`{"access_token":"t","expires_in":${expires_in}}`);
      expect(Number.isSafeInteger(token.expiresAt)).toBe(true);
      expect(token.expiresAt > AT).toBe(!expires_in.startsWith("-"));
    },
  );

  it.each<unknown>([
    undefined,
    null,
    "",
    " ",
    "3600abc",
    "1e3",
    " 60 ",
    "60\n",
    "0x10",
    "+60",
    "-60",
    "59.9",
    "NaN",
    "Infinity",
    "١٢",
    true,
    false,
    [],
    [60],
    {},
    { valueOf: 60 },
  ])("assumes 599 seconds for the lifetime %j, and says so", (expires_in) => {
    const token = readMembers({ expires_in });
    expect(token.expiresAt).toBe(AT + 599_000);
    expect(token.expiryAssumed).toBe(true);
  });

  it.each<[string, string[]]>([
    ["account:read callback:write", ["account:read", "callback:write"]],
    ["  account:read \t callback:write\n", ["account:read", "callback:write"]],
    ["account:read+callback:write", ["account:read", "callback:write"]],
    ["account%3Aread+callback%3Awrite", ["account:read", "callback:write"]],
    ["account%3aread%20callback%3awrite", ["account:read", "callback:write"]],
    ["account:read", ["account:read"]],
    ["a+b c%20d", ["a+b", "c%20d"]],
    ["a&b+c", ["a&b", "c"]],
    ["100%+off", ["100%", "off"]],
    ["", []],
    [" ", []],
  ])("reads the scope %j as %j", (scope, expected) => {
    expect(readMembers({ scope }).scope).toEqual(expected);
  });

  it.each(["refresh_token", "sid", "id_token"])("takes an empty or null %s for absent", (member) => {
    for (const value of [null, ""]) {
      const token = readMembers({ [member]: value });
      expect([token.refreshToken, token.sessionId, token.idToken]).toEqual([undefined, undefined, undefined]);
      expect(token.extra).toEqual({});
    }
  });

  it.each(["refresh_token", "sid", "id_token", "scope"])("refuses a %s that is no string", (member) => {
    for (const value of [7, true, false, 0, [], ["a"], {}]) {
      expect(errorOf(() => readMembers({ [member]: value }))).toMatchObject({
        code: "token_malformed",
        message: expect.stringContaining(`${member} is not a string`),
      });
    }
  });

  it.each([undefined, null, "", 7, true, {}, [], ["t"]])("refuses the access_token %j", (access_token) => {
    const error = errorOf(() =>
      read(JSON.stringify({ access_token, token_type: "Bearer", expires_in: 599 })),
    );
    expect(error).toMatchObject({ code: "token_malformed", retryable: false, status: 200 });
  });

  it.each(["a b", "a\n", "a\r\nX-Injected: 1", "\u0000", "é", "a\u200bb", "\ud83d", " t"])(
    "refuses the access_token %j, which no header can carry",
    (access_token) => {
      expect(errorOf(() => readMembers({ access_token })).code).toBe("token_malformed");
    },
  );

  it("accepts a token of 64 KiB", () => {
    const access_token = "t".repeat(65_536);
    expect(readMembers({ access_token }).value === access_token).toBe(true);
  });

  it.each([null, "", 0, false, {}, []])("is accepted with the error %j, which is not a code", (error) => {
    expect(readMembers({ error, code: "0" }).value).toBe("t");
  });

  it("never looks into the token", () => {
    const payload = Buffer.from(JSON.stringify({ exp: AT / 1000 + 1 })).toString("base64url");
    expect(readMembers({ access_token: `h.${payload}.s`, expires_in: 599 }).expiresAt).toBe(AT + 599_000);
  });

  it("keeps a member named __proto__ a member", () => {
    const token = read('{"access_token":"t","__proto__":{"polluted":1},"deep":{"__proto__":{"polluted":1}}}');
    expect(Object.keys(token.extra)).toEqual(["__proto__", "deep"]);
    expect(Object.getPrototypeOf(token.extra)).toBe(Object.prototype);
    expect((token.extra as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  it("finds nothing in a member named __proto__", () => {
    const error = errorOf(() => read('{"__proto__":{"access_token":"t"}}'));
    expect(error.code).toBe("token_malformed");
  });

  it("takes the last of two members with one name, as JSON does", () => {
    expect(read('{"access_token":"a","access_token":"b"}').value).toBe("b");
  });

  it("tolerates a byte-order mark, and white space around", () => {
    expect(read('\ufeff {"access_token":"t"} \r\n').value).toBe("t");
  });

  it.each([{}, { "content-type": "text/plain" }, { "content-type": "text/html; charset=utf-8" }])(
    "reads a valid token with any content type (%j)",
    (headers) => {
      expect(read('{"access_token":"t"}', { headers }).value).toBe("t");
    },
  );
});

describe("an answer of 200 without a token", () => {
  it.each<[string, string | Uint8Array]>([
    ["an empty body", ""],
    ["white space", " \n"],
    ["a body cut short", '{"access_token":"t"'],
    ["a list", "[]"],
    ["a list with a token", '[{"access_token":"t"}]'],
    ["a string", '"t"'],
    ["a number", "7"],
    ["null", "null"],
    ["true", "true"],
    ["an empty object", "{}"],
    ["an error that is no text", '{"error":{"code":"invalid_client"}}'],
    ["two objects", '{"access_token":"t"}{"access_token":"t"}'],
    ["single quotes", "{'access_token':'t'}"],
    ["UTF-16, little end first", Buffer.from('\ufeff{"access_token":"t"}', "utf16le")],
    ["UTF-16, big end first", Buffer.from('\ufeff{"access_token":"t"}', "utf16le").swap16()],
    ["bytes that are not UTF-8", Buffer.from('{"access_token":"t","x":"\xff"}', "latin1")],
    ["an overlong encoding", Uint8Array.of(0xc0, 0xaf)],
    ["nothing but NULs", new Uint8Array(8)],
  ])("is token_malformed with %s", (_, body) => {
    const error = errorOf(() => read(body));
    expect(error).toMatchObject({ code: "token_malformed", retryable: false, status: 200 });
    expect(error.message).toMatch(/^The token endpoint answered 200, but .+\.$/);
  });

  it.each([
    "application/json",
    "application/json;charset=utf-8",
    "APPLICATION/JSON ; charset=UTF-8",
    "application/hal+json",
    "application/problem+json; a=b",
  ])("is token_malformed when it claims to be %s", (type) => {
    expect(errorOf(() => read("<html>", { headers: { "content-type": type } })).code).toBe("token_malformed");
  });

  it.each([
    [{ "content-type": "text/html; charset=utf-8" }, "text/html; charset=utf-8"],
    [{ "content-type": "text/plain" }, "text/plain"],
    [{ "content-type": "application/json-seq" }, "application/json-seq"],
    [{}, "no content type"],
  ])("is token_unexpected_response when it is no JSON and says %j", (headers, named) => {
    const error = errorOf(() => read("<html>log in: canary</html>", { headers }));
    expect(error).toMatchObject({ code: "token_unexpected_response", retryable: false, status: 200 });
    expect(error.message).toContain(named);
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain("canary");
  });
});

describe("the limits of an answer", () => {
  const padded = (bytes: number): string => {
    const [before, after] = ['{"access_token":"t","x":"', '"}'];
    return `${before}${"x".repeat(bytes - before.length - after.length)}${after}`;
  };

  it("reads one of 262144 bytes", () => {
    expect(read(padded(262_144)).value).toBe("t");
  });

  it.each([200, 302, 400, 500])(
    "refuses one byte more with response_too_large, also with status %d",
    (status) => {
      expect(errorOf(() => read(padded(262_145), { status }))).toMatchObject({
        code: "response_too_large",
        retryable: false,
        status,
      });
    },
  );

  it("reads one long string of escapes", () => {
    const token = read(`{"access_token":"t","x":"${"\\\\".repeat(131_000 - 20)}"}`);
    expect(token.extra["x"]).toHaveLength(131_000 - 20);
  });

  it("keeps 64 levels, and refuses more", () => {
    const nested = (levels: number): string =>
      `{"access_token":"t","x":${"[".repeat(levels - 1)}${"]".repeat(levels - 1)}}`;
    expect(read(nested(64)).value).toBe("t");
    expect(errorOf(() => read(nested(65)))).toMatchObject({
      code: "token_malformed",
      message: expect.stringContaining("nested too deeply"),
    });
  });

  it.each<[string, string]>([
    ["lists", "[".repeat(131_072) + "]".repeat(131_072)],
    ["lists that never end", "[".repeat(262_144)],
    ["objects", `${'{"a":'.repeat(40_000)}1${"}".repeat(40_000)}`],
    ["an object around lists", `{"access_token":"t","x":${"[".repeat(100_000)}${"]".repeat(100_000)}}`],
  ])("stays quick and whole with deeply nested %s", (_, body) => {
    for (const status of [200, 400, 401, 503]) {
      const begin = process.cpuUsage();
      expect(errorOf(() => read(body, { status })).status).toBe(status);
      expect(cpuMsSince(begin)).toBeLessThan(1_000);
    }
  });

  it("does not take brackets in strings for nesting", () => {
    expect(readMembers({ x: '[{"\\'.repeat(200) }).extra["x"]).toHaveLength(800);
  });
});

describe("a refusal", () => {
  it.each<[number, string, Partial<TalkdeskError>]>([
    // The four bodies that Talkdesk documents.
    [
      400,
      '{"error":"invalid_request","error_description":"Grant type is missing"}',
      { code: "request_refused", error: "invalid_request", errorDescription: "Grant type is missing" },
    ],
    [
      401,
      '{"error":"unauthorized","error_description":"No refresh token"}',
      { code: "client_refused", error: "unauthorized", errorDescription: "No refresh token" },
    ],
    [
      400,
      '{"header":"OAuth Error","error":"invalid_grant","error_description":"Unregistered"}',
      { code: "request_refused", error: "invalid_grant", errorDescription: "Unregistered" },
    ],
    [
      404,
      '{"code":"0012002","message":"No route","description":"d","fields":[]}',
      { code: "token_unexpected_response", error: "0012002", errorDescription: "No route" },
    ],
    // RFC 6749 §5.2
    [401, '{"error":"invalid_client"}', { code: "client_refused", error: "invalid_client" }],
    [400, '{"error":"invalid_client"}', { code: "client_refused", error: "invalid_client" }],
    [400, '{"error":"unauthorized_client"}', { code: "client_refused" }],
    [403, '{"error":"unauthorized_client"}', { code: "client_refused" }],
    [400, '{"error":"invalid_scope"}', { code: "request_refused" }],
    [400, '{"error":"unsupported_grant_type"}', { code: "request_refused" }],
    [401, '{"error":"invalid_grant"}', { code: "request_refused" }],
    // Without a better word
    [401, "", { code: "client_refused" }],
    [401, "<html>", { code: "client_refused" }],
    [401, '{"code":"unauthorized","message":"No"}', { code: "client_refused", error: "unauthorized" }],
    [400, '{"error":"something_new"}', { code: "request_refused", error: "something_new" }],
    // An error is one also where the status says that all went well.
    [200, '{"error":"invalid_client"}', { code: "client_refused", error: "invalid_client" }],
    [200, '{"error":"invalid_client","access_token":"t"}', { code: "client_refused" }],
    [200, '{"error":"unauthorized_client"}', { code: "client_refused" }],
    [
      200,
      '{"error":"invalid_grant","error_description":"Used"}',
      { code: "request_refused", error: "invalid_grant", errorDescription: "Used" },
    ],
    [200, '{"error":"invalid_scope"}', { code: "request_refused" }],
    [200, '{"error":"something_new"}', { code: "request_refused", error: "something_new" }],
    [201, '{"error":"invalid_client"}', { code: "client_refused", error: "invalid_client" }],
    // Not this protocol
    [400, "", { code: "token_unexpected_response" }],
    [400, "<html>", { code: "token_unexpected_response" }],
    [400, "[]", { code: "token_unexpected_response" }],
    [400, "null", { code: "token_unexpected_response" }],
    [400, '{"error":{"code":1}}', { code: "token_unexpected_response" }],
    [403, "", { code: "token_unexpected_response" }],
    [407, "", { code: "token_unexpected_response" }],
    [511, '{"error":"invalid_grant"}', { code: "token_unexpected_response" }],
    [201, '{"access_token":"t"}', { code: "token_unexpected_response" }],
    [204, "", { code: "token_unexpected_response" }],
    [206, '{"access_token":"t"}', { code: "token_unexpected_response" }],
  ])("with %d %s is told by its words", (status, body, expected) => {
    const error = errorOf(() => read(body, { status }));
    expect(error).toMatchObject({ status, retryable: false, hints: [], ...expected });
    if (!("error" in expected)) expect(error.errorDescription).toBeUndefined();
  });

  it.each([429, 500, 501, 502, 503, 504, 529, 599])(
    "with %d is token_unavailable, for any body",
    (status) => {
      for (const body of [
        "",
        "<html>",
        '{"error":"invalid_grant"}',
        '{"error":"invalid_client"}',
        '{"access_token":"t"}',
        "\xff",
      ]) {
        expect(errorOf(() => read(body, { status }))).toMatchObject({
          code: "token_unavailable",
          retryable: true,
          status,
        });
      }
    },
  );

  it.each([301, 302, 303, 307, 308])("with %d names the origin of the redirect and no more", (status) => {
    const headers = { location: "https://user:canary@elsewhere.example:444/canary?canary#canary" };
    const error = errorOf(() => read("canary", { status, headers }));
    expect(error).toMatchObject({ code: "token_unexpected_response", status });
    expect(error.message).toContain("https://elsewhere.example:444,");
    expect(`${error.stack}${JSON.stringify(error)}`).not.toContain("canary");
  });

  it.each(["/login?canary", "", "https://", "javascript:canary", "data:text/html,canary"])(
    "with a redirect to %j names nothing",
    (location) => {
      const error = errorOf(() => read("", { status: 302, headers: { location } }));
      expect(error.message).toMatch(/^The token endpoint answered 302, a redirect, which is not followed/);
    },
  );

  it("prints what the server said cut to 256 characters and escaped", () => {
    const error = errorOf(() =>
      read(JSON.stringify({ error: "e\u001b[2J\u202e", error_description: `\r\n${"d".repeat(100_000)}` }), {
        status: 400,
      }),
    );
    expect(error.error).toBe("e\\u001b[2J\\u202e");
    expect(error.errorDescription).toHaveLength(256);
    expect(error.errorDescription).toMatch(/^\\u000d\\u000add+…$/);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    expect(error.message).not.toMatch(/[\u0000-\u001f\u202e]/);
  });
});

describe("parseTokenResponse", () => {
  const CODES = [
    "token_unavailable",
    "token_unexpected_response",
    "token_malformed",
    "response_too_large",
    "unsupported_token_type",
    "client_refused",
    "request_refused",
  ];
  const grants = fc.constantFrom<Grant>(
    clientCredentials,
    opaque,
    { grant_type: "authorization_code", code: "c", redirect_uri: "r" },
    { grant_type: "refresh_token", refresh_token: "r" },
  );
  const headerValue = fc.string({
    unit: fc.integer({ min: 0x20, max: 0x7e }).map((n) => String.fromCharCode(n)),
  });
  const headers = fc.dictionary(
    fc.constantFrom(
      "content-type",
      "retry-after",
      "date",
      "location",
      "www-authenticate",
      "content-encoding",
    ),
    fc.oneof(
      headerValue,
      fc.constantFrom(
        "application/json",
        "text/html",
        "5",
        "-5",
        "Fri, 02 Jan 2026 03:04:05 GMT",
        "https://a.example/b",
      ),
    ),
  );
  const status = fc.oneof(
    fc.constantFrom(200, 200, 200, 400, 401, 302, 429, 503),
    fc.integer({ min: 100, max: 599 }),
    fc.integer(),
  );

  /** Members of answers, right and wrong. */
  const member = fc.oneof(
    fc.constantFrom<unknown>(
      "t",
      "Bearer",
      599,
      "599",
      "a b",
      "",
      null,
      true,
      -1,
      0,
      1e300,
      -1e300,
      0.5,
      {},
      [],
    ),
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.jsonValue({ maxDepth: 6 }),
  );
  const mutated = fc
    .record(
      {
        access_token: fc.oneof({ weight: 3, arbitrary: fc.constant("tok") }, member),
        token_type: fc.oneof({ weight: 3, arbitrary: fc.constant("bearer") }, member),
        expires_in: member,
        scope: fc.oneof({ weight: 2, arbitrary: fc.constant("a b") }, member),
        refresh_token: fc.oneof({ weight: 2, arbitrary: fc.constant("rt") }, member),
        sid: fc.oneof({ weight: 2, arbitrary: fc.constant("sid") }, member),
        id_token: fc.oneof({ weight: 2, arbitrary: fc.constant("a.b.c") }, member),
        error: member,
        error_description: member,
        fields: member,
        code: member,
        constructor: member,
        toJSON: member,
      },
      { requiredKeys: ["access_token"] },
    )
    .map((members) => JSON.stringify(members))
    .chain((text) =>
      fc.constantFrom(
        text,
        text.replace("{", '{"__proto__":{"access_token":1},'),
        text.replace(/[-\d.]+/, "-1e999"),
      ),
    );
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map((text) => new TextEncoder().encode(text)),
    { weight: 4, arbitrary: mutated.map((text) => new TextEncoder().encode(text)) },
    fc.tuple(mutated, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([text, position, byte]) => {
      const bytes = new TextEncoder().encode(text);
      bytes[position % bytes.length] = byte;
      return bytes;
    }),
    fc
      .tuple(mutated, fc.nat())
      .map(([text, length]) => new TextEncoder().encode(text).subarray(0, length % text.length)),
  );

  it("gives a whole token or throws a TalkdeskError, for any answer", () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(status, headers, body, grants, (status, headers, body, grant) => {
        const begin = process.cpuUsage();
        let token: AccessToken;
        try {
          token = parseTokenResponse(
            { status, headers: new Headers(headers), body },
            { requestedAt: AT, grant },
          );
        } catch (error) {
          if (!isTalkdeskError(error)) throw error;
          seen.add(error.code);
          expect(CODES).toContain(error.code);
          expect(error.status).toBe(status);
          expect(error.message.length).toBeLessThan(700);
          expect(error.error?.length ?? 0).toBeLessThanOrEqual(256);
          expect(error.errorDescription?.length ?? 0).toBeLessThanOrEqual(256);
          expect(error.message).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
          if (error.retryAt !== undefined) expect(error.retryAt).toBeGreaterThanOrEqual(AT);
          return;
        } finally {
          expect(cpuMsSince(begin)).toBeLessThan(1_000);
        }
        seen.add("token");
        expect(status).toBe(200);
        expect(token.value).toMatch(/^[\x21-\x7e]+$/);
        expect(token.authorization).toBe(token.type === "opaque" ? token.value : `Bearer ${token.value}`);
        expect(new Headers({ authorization: token.authorization }).get("authorization")).toBe(
          token.authorization,
        );
        expect(token.issuedAt).toBe(AT);
        expect(Number.isSafeInteger(token.expiresAt)).toBe(true);
        if (token.expiryAssumed) expect(token.expiresAt).toBe(AT + 599_000);
        expect(token.scope?.every((name) => /^\S+$/.test(name)) ?? true).toBe(true);
        for (const optional of [token.refreshToken, token.sessionId, token.idToken]) {
          expect(optional === undefined || (typeof optional === "string" && optional !== "")).toBe(true);
        }
        expect(Object.isFrozen(token) && Object.isFrozen(token.extra)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    // The property would hold of a parser that refuses everything.
    expect(seen).toContain("token");
    expect(seen.size).toBeGreaterThanOrEqual(7);
  });
});

/** The CPU time of this process, which the load of other processes does not change. */
function cpuMsSince(begin: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1_000;
}
