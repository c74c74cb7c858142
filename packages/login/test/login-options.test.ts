import {
  clientCredentials,
  clientSecretBasic,
  memoryStore,
  startAuthorization,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { talkdeskLogin } from "@talkdesk-oauth/login";
import { describe, expect, it } from "vitest";

const authentication = clientSecretBasic({ clientId: "an-id", clientSecret: "a-secret" });
const client = talkdeskClient({ account: "acme", authentication });
const source = clientCredentials(client, { scope: "user-session-public:end" });
const good = {
  client,
  redirectUri: "https://app.example.com/auth/callback",
  store: memoryStore(),
  contact: "help@example.com",
} as const;

describe("talkdeskLogin()", () => {
  it.each<[string, unknown]>([
    ["client", undefined],
    ["client", null],
    ["client", {}],
    ["client", "acme"],
    ["client", { endpoints: { api: "https://api.talkdeskapp.com" } }],
    ["clientId", talkdeskClient({ account: "acme", authentication: () => {} })],
    ["redirectUri", undefined],
    ["redirectUri", "/auth/callback"],
    ["redirectUri", "http://app.example.com/auth/callback"],
    ["redirectUri", "http://localhost.example.com/auth/callback"],
    ["redirectUri", "https://app.example.com/auth/callback#"],
    ["redirectUri", "https://app.example.com/auth/ callback"],
    ["redirectUri", "https://app.example.com/auth/callback\n"],
    ["redirectUri", "https://app.example.com/auth/callback/"],
    ["redirectUri", "https://app.example.com"],
    ["redirectUri", "https://user:hunter2@app.example.com/auth/callback"],
    ["redirectUri", "javascript:alert(1)"],
    ["redirectUri", new URL("https://app.example.com/auth/callback")],
    ["scope", ""],
    ["scope", []],
    ["scope", 7],
    ["scope", " "],
    ["scope", ["openid", 7]],
    ["scope", 'a"b'],
    ["store", undefined],
    ["store", new Map()],
    ["contact", undefined],
    ["contact", "  "],
    ["contact", 7],
    ["pkce", "yes"],
    ["issuers", "https://talkdesk.example"],
    ["issuers", [7]],
    ["issuers", []],
    ["onEvent", {}],
    ["keepSession", "userId"],
    ["keepSession", [7]],
    ["keepSession", [""]],
    ["keepSession", null],
    ["maxIdleMs", 0],
    ["maxIdleMs", -1],
    ["maxIdleMs", Number.NaN],
    ["maxIdleMs", Number.POSITIVE_INFINITY],
    ["maxIdleMs", "1000"],
    ["endTalkdeskSession", null],
    ["endTalkdeskSession", client],
    ["endTalkdeskSession", () => source],
    ["endTalkdeskSession", { api: source.api, getToken: source.getToken }],
    ["endTalkdeskSession", { ...source, identity: "http://hunter2@acme.example" }],
    ["redirectURI", "https://app.example.com/auth/callback"],
    ["secret", "hunter2"],
  ])("throws a TypeError that names %s, for %j", (name, value) => {
    const option = name === "clientId" ? "client" : name;
    const make = (): unknown => talkdeskLogin({ ...good, [option]: value } as never);
    expect(make).toThrow(TypeError);
    const said = name === "clientId" ? "client's id" : name;
    expect(make).toThrow(said);
    expect(make).not.toThrow("hunter2");
  });

  it.each([
    ["a scope with two spaces", { scope: "openid  refresh_token" }],
    ["a scope with an empty name", { scope: ["openid", ""] }],
    ["a redirect URI whose host ends with a dot", { redirectUri: "https://app.example.com./auth/callback" }],
    ["a redirect URI with a user", { redirectUri: "https://user@app.example.com/auth/callback" }],
    ["a redirect URI of a host that looks like a loopback", { redirectUri: "http://127.1.example/callback" }],
  ])("judges %s as startAuthorization does", async (_what, some) => {
    const begun = startAuthorization(client, { ...good, ...some }).then(
      () => "taken",
      (error: unknown) => String(error),
    );
    const made = (() => {
      try {
        talkdeskLogin({ ...good, ...some });
        return "taken";
      } catch (error) {
        return String(error);
      }
    })();
    expect(made).toBe(await begun);
  });

  it.each([
    ["client", { client: () => client }],
    ["openid", { scope: ["refresh_token", "openid2"] }],
    ["openid", { scope: "refresh_token contacts:read" }],
  ])("refuses endTalkdeskSession beside an option that it cannot work with: %s", (name, some) => {
    const make = (): unknown => talkdeskLogin({ ...good, ...some, endTalkdeskSession: source });
    expect(make).toThrow(TypeError);
    expect(make).toThrow(new RegExp(`endTalkdeskSession.*${name}`));
  });

  it.each([[undefined], [null], [{}]])("throws a TypeError for the options %j", (options) => {
    expect(() => talkdeskLogin(options as never)).toThrow(TypeError);
  });

  it.each([
    { redirectUri: "http://localhost:3000/auth/callback" },
    { redirectUri: "http://127.0.0.1:3000/auth/callback" },
    { redirectUri: "http://[::1]:3000/auth/callback" },
    { redirectUri: "https://app.example.com/auth/callback?tenant=1" },
    { redirectUri: "https://app.example.com/rewritten" },
    { scope: "openid refresh_token" },
    { scope: ["openid"] },
    { scope: undefined, pkce: undefined, issuers: undefined, onEvent: undefined },
    { client: () => client },
    { contact: "Extension 4711" },
    { keepSession: true, maxIdleMs: 1 },
    { keepSession: ["userId", "cart"] },
    { keepSession: [], maxIdleMs: undefined },
    { endTalkdeskSession: source },
    { endTalkdeskSession: source, scope: "contacts:read openid" },
    { endTalkdeskSession: undefined, scope: "contacts:read", client: () => client },
  ])("takes %j", (some) => {
    expect(() => talkdeskLogin({ ...good, ...some } as never)).not.toThrow();
  });

  it("takes a redirect URI beyond ASCII however many logins there are", () => {
    for (let count = 0; count < 20_000; count++) {
      const redirectUri = "https://bücher.example/auth/callback";
      talkdeskLogin({ ...good, redirectUri });
    }
  });
});
