import { type Grant, requestToken, type Scope } from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientOf, endpointsAt, rejection } from "./support/token-endpoint.js";

/** The form that a grant is sent as; undefined when nothing is sent. */
async function formOf(grant: Grant): Promise<string | undefined> {
  let form: string | undefined;
  const client = clientOf(
    { endpoints: endpointsAt("http://127.0.0.1:9") },
    {
      fetch: async (_, init) => {
        form = String(init?.body);
        return Response.json({ access_token: "t" });
      },
    },
  );
  await requestToken(client, grant);
  return form;
}

/** The error for a grant. Fails if a request was sent. */
async function refusalOf(grant: unknown): Promise<unknown> {
  let steps = 0;
  const client = clientOf(
    { endpoints: endpointsAt("http://127.0.0.1:9") },
    {
      authentication: () => {
        steps += 1;
      },
      fetch: async () => {
        steps += 1;
        return Response.json({ access_token: "t" });
      },
    },
  );
  const reason = await rejection(requestToken(client, grant as Grant));
  expect(steps).toBe(0);
  return reason;
}

describe("a grant", () => {
  it.each<[Grant, string]>([
    [{ grant_type: "client_credentials" }, "grant_type=client_credentials"],
    [
      { grant_type: "client_credentials", scope: "account:read callback:write" },
      "grant_type=client_credentials&scope=account%3Aread+callback%3Awrite",
    ],
    [
      { grant_type: "client_credentials", token_type: "opaque", scope: ["a", "b"], expires_in: 86_400 },
      "grant_type=client_credentials&token_type=opaque&scope=a+b&expires_in=86400",
    ],
    [
      { grant_type: "client_credentials", token_type: "opaque", expires_in: 31_556_952 },
      "grant_type=client_credentials&token_type=opaque&expires_in=31556952",
    ],
    [
      { grant_type: "authorization_code", code: "a/b+c", redirect_uri: "https://app.example.com/cb?x=1" },
      "grant_type=authorization_code&code=a%2Fb%2Bc&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fx%3D1",
    ],
    [
      { grant_type: "authorization_code", code: "c", redirect_uri: "r", code_verifier: "a-._~z" },
      "grant_type=authorization_code&code=c&redirect_uri=r&code_verifier=a-._%7Ez",
    ],
    [{ grant_type: "refresh_token", refresh_token: "r=&" }, "grant_type=refresh_token&refresh_token=r%3D%26"],
    [
      { grant_type: "refresh_token", refresh_token: "r", scope: "a" },
      "grant_type=refresh_token&refresh_token=r&scope=a",
    ],
  ])("%j is sent as %s", async (grant, form) => {
    expect(await formOf(grant)).toBe(form);
  });

  it.each<[Scope, string]>([
    ["a", "a"],
    [" a   b\tc\r\n", "a+b+c"],
    [["a b", "c"], "a+b+c"],
    ["b a b a", "b+a"],
    [["b", "a b"], "b+a"],
    ["user-session-public:end openid", "user-session-public%3Aend+openid"],
    ["!#~", "%21%23%7E"],
  ])("with scope %j asks for each once, in the order given: %s", async (scope, encoded) => {
    expect(await formOf({ grant_type: "client_credentials", scope })).toBe(
      `grant_type=client_credentials&scope=${encoded}`,
    );
  });

  it("sends no unknown members", async () => {
    const grant = { grant_type: "client_credentials", client_secret: "canary", refresh_token: "canary" };
    expect(await formOf(grant as Grant)).toBe("grant_type=client_credentials");
  });

  it("can be read back from the form, for any values", async () => {
    const value = fc.string({ unit: "grapheme", minLength: 1 });
    await fc.assert(
      fc.asyncProperty(value, value, value, async (code, redirect_uri, code_verifier) => {
        const form = await formOf({ grant_type: "authorization_code", code, redirect_uri, code_verifier });
        const read = new Map(
          form
            ?.split("&")
            .map(
              (pair) =>
                pair.split("=", 2).map((part) => decodeURIComponent(part.replaceAll("+", " "))) as [
                  string,
                  string,
                ],
            ),
        );
        expect(Object.fromEntries(read)).toEqual({
          grant_type: "authorization_code",
          code,
          redirect_uri,
          code_verifier,
        });
      }),
      { numRuns: 50 },
    );
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a string", "client_credentials"],
    ["no type", {}],
    ["another type", { grant_type: "password", password: "canary" }],
    ["a type that every object has", { grant_type: "constructor" }],
    ["no code", { grant_type: "authorization_code", redirect_uri: "r" }],
    ["an empty code", { grant_type: "authorization_code", code: "", redirect_uri: "r" }],
    ["a code in a list", { grant_type: "authorization_code", code: ["canary"], redirect_uri: "r" }],
    ["no redirect URI", { grant_type: "authorization_code", code: "canary" }],
    [
      "an empty verifier",
      { grant_type: "authorization_code", code: "canary", redirect_uri: "r", code_verifier: "" },
    ],
    ["no refresh token", { grant_type: "refresh_token" }],
    ["an empty refresh token", { grant_type: "refresh_token", refresh_token: "" }],
    ["a token object as refresh token", { grant_type: "refresh_token", refresh_token: { value: "canary" } }],
    ["another token type", { grant_type: "client_credentials", token_type: "jwt" }],
    ["a lifetime for no opaque token", { grant_type: "client_credentials", expires_in: 86_400 }],
    ...[86_399, 31_556_953, 0, -1, 86_400.5, Number.NaN, Number.POSITIVE_INFINITY, "86400", null].map(
      (expires_in): [string, unknown] => [
        `the lifetime ${expires_in}`,
        { grant_type: "client_credentials", token_type: "opaque", expires_in },
      ],
    ),
    ...[
      "",
      "  ",
      [],
      [""],
      7,
      null,
      {},
      [7],
      ["a", null],
      'a"b',
      "a\\b",
      "a\u0000b",
      "é",
      "a\u00a0b",
      "a\u200b",
    ].map((scope): [string, unknown] => [
      `the scope ${JSON.stringify(scope)}`,
      { grant_type: "client_credentials", scope },
    ]),
    ["an empty scope of a refresh", { grant_type: "refresh_token", refresh_token: "canary", scope: "" }],
  ])("is refused with %s, as a TypeError before anything is sent", async (_, grant) => {
    const reason = await refusalOf(grant);
    expect(reason).toBeInstanceOf(TypeError);
    expect((reason as TypeError).stack).not.toContain("canary");
  });
});
