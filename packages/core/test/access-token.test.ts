import { inspect } from "node:util";
import {
  type AccessToken,
  type AccessTokenOptions,
  accessToken,
  deserializeToken,
  isTalkdeskError,
  parseTokenResponse,
  serializeToken,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const whole: AccessTokenOptions = {
  value: "canary-value",
  type: "Bearer",
  issuedAt: 1_000,
  expiresAt: 600_000,
  expiryAssumed: true,
  scope: ["a", "b"],
  refreshToken: "canary-refresh",
  sessionId: "canary-sid",
  idToken: "canary-id",
  extra: { tenant: { name: "canary-extra", list: [1, { deep: true }] } },
};

/** All that a token says, read member by member. */
function readOut(token: AccessToken): AccessTokenOptions & { readonly authorization: string } {
  const { authorization, value, type, issuedAt, expiresAt, expiryAssumed, scope, extra } = token;
  const { refreshToken, sessionId, idToken } = token;
  return {
    authorization,
    value,
    type,
    issuedAt,
    expiresAt,
    expiryAssumed,
    extra,
    ...(scope !== undefined && { scope }),
    ...(refreshToken !== undefined && { refreshToken }),
    ...(sessionId !== undefined && { sessionId }),
    ...(idToken !== undefined && { idToken }),
  };
}

describe("accessToken", () => {
  it("has the given members, and the header", () => {
    expect(readOut(accessToken(whole))).toEqual({ ...whole, authorization: "Bearer canary-value" });
  });

  it("sends an opaque token without a scheme", () => {
    expect(accessToken({ value: "tdst_x", expiresAt: 1, type: "opaque" }).authorization).toBe("tdst_x");
  });

  it("has defaults for absent members", () => {
    const before = Date.now();
    const token = accessToken({ value: "t", expiresAt: 5 });
    expect(readOut(token)).toEqual({
      value: "t",
      authorization: "Bearer t",
      type: "Bearer",
      issuedAt: expect.any(Number),
      expiresAt: 5,
      expiryAssumed: false,
      extra: {},
    });
    expect(token.issuedAt).toBeGreaterThanOrEqual(before);
    expect(token.issuedAt).toBeLessThanOrEqual(Date.now());
  });

  it("cannot be changed, also not through the object that it was made from", () => {
    const scope = ["a"];
    const extra = { list: [1] };
    const token = accessToken({ value: "t", expiresAt: 5, scope, extra });
    scope.push("b");
    extra.list.push(2);
    expect(token.scope).toEqual(["a"]);
    expect(token.extra).toEqual({ list: [1] });
    for (const part of [token, token.scope, token.extra, token.extra["list"]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(() => Object.assign(token, { value: "other" })).toThrow(TypeError);
    expect(() => Object.assign(token, { expiresAt: 9 })).toThrow(TypeError);
    expect(token.value).toBe("t");
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a string", "t"],
    ["no value", { expiresAt: 1 }],
    ["an empty value", { value: "", expiresAt: 1 }],
    ["a value with a line break", { value: "canary\r\nx: y", expiresAt: 1 }],
    ["a value with a space", { value: "canary x", expiresAt: 1 }],
    ["a value beyond ASCII", { value: "canaryé", expiresAt: 1 }],
    ["no expiresAt", { value: "canary" }],
    ["expiresAt NaN", { value: "canary", expiresAt: Number.NaN }],
    ["expiresAt Infinity", { value: "canary", expiresAt: Number.POSITIVE_INFINITY }],
    ["expiresAt as a string", { value: "canary", expiresAt: "5" }],
    ["expiresAt as a Date", { value: "canary", expiresAt: new Date(5) }],
    ["issuedAt as a string", { value: "canary", expiresAt: 1, issuedAt: "1" }],
    ["another type", { value: "canary", expiresAt: 1, type: "bearer" }],
    ["expiryAssumed as a number", { value: "canary", expiresAt: 1, expiryAssumed: 1 }],
    ["scope as a string", { value: "canary", expiresAt: 1, scope: "a b" }],
    ["scope with a number", { value: "canary", expiresAt: 1, scope: ["a", 1] }],
    ["an empty refreshToken", { value: "canary", expiresAt: 1, refreshToken: "" }],
    ["refreshToken as null", { value: "canary", expiresAt: 1, refreshToken: null }],
    ["sessionId as a number", { value: "canary", expiresAt: 1, sessionId: 1 }],
    ["idToken as an object", { value: "canary", expiresAt: 1, idToken: {} }],
    ["extra as a list", { value: "canary", expiresAt: 1, extra: [] }],
    ["extra as null", { value: "canary", expiresAt: 1, extra: null }],
  ])("refuses %s with a TypeError that repeats nothing", (_, options) => {
    const make = () => accessToken(options as AccessTokenOptions);
    expect(make).toThrow(TypeError);
    expect(make).not.toThrow(/canary/);
  });

  it("refuses an extra that contains itself", () => {
    const extra: Record<string, unknown> = {};
    extra["self"] = extra;
    expect(() => accessToken({ value: "t", expiresAt: 1, extra })).toThrow(TypeError);
  });
});

describe("a token", () => {
  const tokens: [string, AccessToken][] = [
    ["made by hand", accessToken(whole)],
    ["of a store", deserializeToken(serializeToken(accessToken(whole)))],
    [
      "of an answer",
      parseTokenResponse(
        {
          status: 200,
          headers: new Headers(),
          body: Buffer.from(
            '{"access_token":"canary-value","refresh_token":"canary-refresh","sid":"canary-sid","id_token":"canary-id","x":"canary-extra"}',
          ),
        },
        { requestedAt: 1, grant: { grant_type: "client_credentials" } },
      ),
    ],
  ];
  const ways: [string, (token: AccessToken) => string][] = [
    ["String()", (token) => String(token)],
    ["a template", (token) => `${token}`],
    ["JSON.stringify", (token) => JSON.stringify(token)],
    ["JSON.stringify of what holds it", (token) => JSON.stringify({ token, list: [token] })],
    ["inspect", (token) => inspect(token)],
    [
      "inspect to the bottom",
      (token) => inspect(token, { depth: Number.POSITIVE_INFINITY, showHidden: true }),
    ],
    [
      "inspect of what holds it",
      (token) => inspect({ a: { b: { token } } }, { depth: 10, showHidden: true }),
    ],
    ["inspect without its own say", (token) => inspect(token, { customInspect: false, showHidden: true })],
    ["structuredClone", (token) => inspect(structuredClone(token), { depth: 10, showHidden: true })],
    ["spread", (token) => inspect({ ...token }, { depth: 10, showHidden: true })],
    ["Object.assign", (token) => JSON.stringify(Object.assign({}, token))],
    ["Object.entries", (token) => JSON.stringify(Object.entries(token))],
    [
      "own properties",
      (token) =>
        inspect(
          Reflect.ownKeys(token).map((key) => Reflect.get(token, key)),
          { depth: 10 },
        ),
    ],
    [
      "descriptors",
      (token) => inspect(Object.getOwnPropertyDescriptors(token), { depth: 10, showHidden: true }),
    ],
    [
      "for in",
      (token) => {
        const shown: unknown[] = [];
        for (const key in token) shown.push(key, Reflect.get(token, key));
        return inspect(shown);
      },
    ],
  ];
  it.each(
    tokens.flatMap(([origin, token]) => ways.map(([way, show]) => [origin, way, token, show] as const)),
  )("%s shows nothing secret by %s", (_, __, token, show) => {
    expect(token.value).toBe("canary-value");
    const shown = show(token);
    expect(shown).not.toBe("");
    expect(shown).not.toContain("canary");
  });

  it("shows its members that are not secret", () => {
    expect(JSON.parse(JSON.stringify(accessToken(whole)))).toEqual({
      type: "Bearer",
      issuedAt: 1_000,
      expiresAt: 600_000,
      expiryAssumed: true,
      scope: ["a", "b"],
    });
    expect(String(accessToken(whole))).toBe("[object AccessToken]");
    expect(inspect(accessToken(whole))).toMatch(/^AccessToken \{/);
  });
});

/** JSON data as it is after having been text once. */
const json = fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
const nonEmpty = fc.string({ unit: "binary", minLength: 1 });
const members = fc.dictionary(
  fc.oneof(fc.string(), fc.constantFrom("__proto__", "constructor", "toJSON")),
  json,
  {
    maxKeys: 5,
  },
);
const anyToken = fc.record(
  {
    value: fc.stringMatching(/^[\x21-\x7e]{1,200}$/),
    expiresAt: fc.integer(),
    issuedAt: fc.integer(),
    type: fc.constantFrom("Bearer" as const, "opaque" as const),
    expiryAssumed: fc.boolean(),
    scope: fc.array(fc.string({ unit: "binary" })),
    refreshToken: nonEmpty,
    sessionId: nonEmpty,
    idToken: nonEmpty,
    extra: members,
  },
  { requiredKeys: ["value", "expiresAt", "issuedAt"] },
);

describe("serializeToken and deserializeToken", () => {
  it("write and read every token", () => {
    fc.assert(
      fc.property(anyToken, (options) => {
        const token = accessToken(options);
        const read = deserializeToken(serializeToken(token));
        expect(readOut(read)).toEqual(readOut(token));
        expect(Object.keys(read.extra)).toEqual(Object.keys(token.extra));
        expect(serializeToken(read)).toBe(serializeToken(token));
      }),
    );
  });

  it("keep members that a newer version added", () => {
    const known = new Set([
      "format",
      ...["value", "type", "issuedAt", "expiresAt", "expiryAssumed", "scope"],
      ...["refreshToken", "sessionId", "idToken", "extra"],
    ]);
    fc.assert(
      fc.property(anyToken, members, (options, added) => {
        const news = Object.entries(added).filter(([name]) => !known.has(name));
        const record = JSON.parse(serializeToken(accessToken(options))) as object;
        // Entries, so that a member named __proto__ stays one.
        const stored = JSON.stringify(Object.fromEntries([...Object.entries(record), ...news]));
        const token = deserializeToken(stored);
        expect(readOut(token)).toEqual(readOut(accessToken(options)));
        const again = new Map(Object.entries(JSON.parse(serializeToken(token)) as object));
        expect(again).toEqual(new Map(Object.entries(JSON.parse(stored) as object)));
      }),
    );
  });

  it("do not show members that a newer version added", () => {
    const record = JSON.parse(serializeToken(accessToken(whole))) as object;
    const token = deserializeToken(JSON.stringify({ ...record, nonce: "canary-new" }));
    expect(`${inspect(token, { showHidden: true })}${JSON.stringify(token)}`).not.toContain("canary");
    expect(serializeToken(token)).toContain("canary-new");
  });

  it("write a token that another library made", () => {
    const token: AccessToken = { ...accessToken(whole), value: "v", authorization: "Bearer v", extra: {} };
    expect(deserializeToken(serializeToken(token)).value).toBe("v");
  });

  it("read a record of the first format", () => {
    const text =
      '{"format":1,"value":"v","type":"opaque","issuedAt":1,"expiresAt":2,"expiryAssumed":false,"scope":["a"],"refreshToken":"r","sessionId":"s","idToken":"i","extra":{"x":1}}';
    expect(readOut(deserializeToken(text))).toEqual({
      authorization: "v",
      value: "v",
      type: "opaque",
      issuedAt: 1,
      expiresAt: 2,
      expiryAssumed: false,
      scope: ["a"],
      refreshToken: "r",
      sessionId: "s",
      idToken: "i",
      extra: { x: 1 },
    });
  });

  const good = { format: 1, value: "canary", issuedAt: 1, expiresAt: 2 };
  it.each<[string, string]>([
    ["nothing", ""],
    ["no JSON", "canary"],
    ["JSON cut short", JSON.stringify({ ...good, scope: ["canary"] }).slice(0, -4)],
    ["null", "null"],
    ["a string", '"canary"'],
    ["a number", "1"],
    ["a list", "[1]"],
    ["no format", JSON.stringify({ ...good, format: undefined })],
    ["a newer format", JSON.stringify({ ...good, format: 2 })],
    ["a format in words", JSON.stringify({ ...good, format: "1" })],
    ["a format that is inherited", '{"__proto__":{"format":1,"value":"canary","issuedAt":1,"expiresAt":2}}'],
    ["no value", JSON.stringify({ ...good, value: undefined })],
    ["a value for no header", JSON.stringify({ ...good, value: "canary\n" })],
    ["no expiresAt", JSON.stringify({ ...good, expiresAt: undefined })],
    ["no issuedAt", JSON.stringify({ ...good, issuedAt: undefined })],
    ["issuedAt null", JSON.stringify({ ...good, issuedAt: null })],
    ["an endless expiresAt", JSON.stringify(good).replace(":2", ":1e999")],
    ["another type", JSON.stringify({ ...good, type: "canary" })],
    ["a scope in one string", JSON.stringify({ ...good, scope: "canary" })],
    ["an empty refresh token", JSON.stringify({ ...good, refreshToken: "" })],
    ["extra as a list", JSON.stringify({ ...good, extra: ["canary"] })],
    [
      "bottomless extra",
      `${JSON.stringify(good).slice(0, -1)},"extra":${'{"a":'.repeat(50_000)}1${"}".repeat(50_001)}`,
    ],
    [
      "bottomless news",
      `${JSON.stringify(good).slice(0, -1)},"news":${"[".repeat(50_000)}${"]".repeat(50_000)}}`,
    ],
  ])("refuse %s with store_corrupt, repeating nothing", (_, text) => {
    try {
      deserializeToken(text);
    } catch (error) {
      if (!isTalkdeskError(error)) throw error;
      expect(error).toMatchObject({ code: "store_corrupt", retryable: false });
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("canary");
      return;
    }
    throw new Error("It did not throw.");
  });

  it("refuse a value that is not text with store_corrupt", () => {
    for (const value of [undefined, null, 7, {}, Buffer.from("x")]) {
      expect(() => deserializeToken(value as unknown as string)).toThrow(
        expect.objectContaining({ code: "store_corrupt" }),
      );
    }
  });

  it("read any stored text, or refuse it with store_corrupt", () => {
    const mutation = fc
      .tuple(anyToken, fc.nat(), fc.string({ maxLength: 4 }))
      .map(([options, position, text]) => {
        const stored = serializeToken(accessToken(options));
        const at = position % stored.length;
        return stored.slice(0, at) + text + stored.slice(at + 1);
      });
    const record = fc
      .record(
        { scope: json, extra: json, type: json, refreshToken: json, expiresAt: json },
        { requiredKeys: [] },
      )
      .map((members) => JSON.stringify({ ...good, ...members }));
    fc.assert(
      fc.property(fc.oneof(mutation, fc.json(), fc.string(), record), (text) => {
        try {
          return typeof deserializeToken(text).value === "string";
        } catch (error) {
          return isTalkdeskError(error) && error.code === "store_corrupt";
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
