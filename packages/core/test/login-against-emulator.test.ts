import {
  clientSecretBasic,
  finishAuthorization,
  type PendingAuthorization,
  startAuthorization,
  type TalkdeskClient,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";
import { failure } from "./support/token-endpoint.js";

const [SCOPE, REDIRECT_URI] = ["openid users:read", "http://localhost:3000/callback"];

function clientOf(talkdesk: Emulator, endpoints = talkdesk.endpoints()): TalkdeskClient {
  const { clientId, clientSecret } = talkdesk.clients.get();
  return talkdeskClient({ endpoints, authentication: clientSecretBasic({ clientId, clientSecret }) });
}

/** The browser's part of a login. */
async function returned(talkdesk: Emulator, { state, nonce }: PendingAuthorization): Promise<string> {
  return (await talkdesk.authorize({ redirectUri: REDIRECT_URI, scope: SCOPE, state, nonce })).callback;
}

async function login(talkdesk: Emulator, client = clientOf(talkdesk), issuers?: readonly string[]) {
  const pending = await startAuthorization(client, { redirectUri: REDIRECT_URI, scope: SCOPE });
  const callback = await returned(talkdesk, pending);
  return finishAuthorization(client, callback, pending, issuers === undefined ? {} : { issuers });
}

const keyReads = (talkdesk: Emulator): number => talkdesk.requests.to("jwks").length;

describe("a login whose ID token is verified with the keys of the service", () => {
  const listings = [{}, { omitKid: true }, { omitAlg: true }, { omitKid: true, omitAlg: true }];
  const cases = (["ES256", "RS256"] as const).flatMap((idTokenAlgorithm) =>
    listings.map((keys) => ({ idTokenAlgorithm, keys })),
  );

  it.each<EmulatorOptions>(cases)("succeeds with %j, at either endpoint of keys", async (options) => {
    await using talkdesk = await startEmulator(options);
    const { jwks, ...rest } = talkdesk.endpoints();
    const deprecated = { ...rest, jwks: jwks.replace("/2023-10/", "/") };
    expect(deprecated.jwks).not.toBe(jwks);
    for (const client of [clientOf(talkdesk), clientOf(talkdesk, deprecated)]) {
      const { claims } = await login(talkdesk, client);
      expect(claims?.aud).toBe(talkdesk.clients.get().clientId);
    }
    expect(keyReads(talkdesk)).toBe(2);
  });

  it.each(listings)("succeeds after a rotation, with keys that are shown as %j", async (keys) => {
    await using talkdesk = await startEmulator({ keys });
    const client = clientOf(talkdesk);
    await login(talkdesk, client);
    for (const keepOld of [true, false]) {
      talkdesk.keys.rotate({ keepOld });
      expect((await login(talkdesk, client)).claims?.sub).toBeTypeOf("string");
    }
    expect(keyReads(talkdesk)).toBe(3);
  });

  it("fails for an issuer that is not expected, and succeeds when that is passed", async () => {
    await using talkdesk = await startEmulator({ idTokenIssuer: "https://id.example" });
    const error = await failure(login(talkdesk));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: false });
    expect(error.message).toMatch(/issuer/);
    const { claims } = await login(talkdesk, clientOf(talkdesk), ["https://id.example"]);
    expect(claims?.iss).toBe("https://id.example");
  });

  it.each([3_600_000, -3_600_000])("fails when the clocks are %i ms apart", async (clockSkewMs) => {
    await using talkdesk = await startEmulator({ clockSkewMs });
    const error = await failure(login(talkdesk));
    expect(error).toMatchObject({ code: "id_token_invalid", retryable: false });
    expect(error.message).toMatch(clockSkewMs > 0 ? /in the future/ : /has expired/);
  });

  it("fails for a code that was used, and for one that was issued for another login", async () => {
    await using talkdesk = await startEmulator();
    const client = clientOf(talkdesk);
    const pending = await startAuthorization(client, { redirectUri: REDIRECT_URI, scope: SCOPE });
    const callback = await returned(talkdesk, pending);
    await finishAuthorization(client, callback, pending);
    expect(await failure(finishAuthorization(client, callback, pending))).toMatchObject({
      code: "authorization_failed",
      error: "invalid_grant",
      retryable: false,
    });

    const other = await startAuthorization(client, { redirectUri: REDIRECT_URI, scope: SCOPE });
    const before = talkdesk.requests.to("token").length;
    expect((await failure(finishAuthorization(client, callback, other))).code).toBe("state_mismatch");
    expect(talkdesk.requests.to("token").length).toBe(before);
    const swapped = new URL(await returned(talkdesk, { ...other, state: pending.state }));
    expect((await failure(finishAuthorization(client, swapped, pending))).code).toBe("nonce_mismatch");
  });
});

describe("a login over a broken connection", () => {
  it.each(["reset", "lose"] as const)("sends its code once: %s", async (fault) => {
    await using talkdesk = await startEmulator();
    talkdesk.faults.add(fault === "lose" ? { at: "token", lose: true } : { at: "token", reset: "body" });
    const error = await failure(login(talkdesk));
    expect(error).toMatchObject({ code: "token_network", retryable: false });
    expect(talkdesk.requests.to("token")).toHaveLength(1);
    expect((await login(talkdesk)).claims?.sub).toBeTypeOf("string");
  });

  it("fails when the keys cannot be read, and a new login may succeed", async () => {
    await using talkdesk = await startEmulator();
    const client = clientOf(talkdesk);
    talkdesk.faults.add({ at: "jwks", reset: "before" });
    talkdesk.faults.add({ at: "jwks", respond: { status: 503, body: "<html>" } });
    for (const message of [/could not be reached/, /status 503/]) {
      const error = await failure(login(talkdesk, client));
      expect(error).toMatchObject({ code: "id_token_invalid", retryable: true });
      expect(error.message).toMatch(message);
    }
    expect((await login(talkdesk, client)).claims?.sub).toBeTypeOf("string");
    expect([talkdesk.requests.to("token").length, keyReads(talkdesk)]).toEqual([3, 3]);
  });
});

describe("the authorize endpoint", () => {
  it.each([
    ["an unknown client", { client_id: "nobody" }],
    ["a redirect URI that is not registered", { redirect_uri: "https://elsewhere.example/" }],
  ])("answers %s with JSON, so that no callback ever comes", async (_, changes) => {
    await using talkdesk = await startEmulator();
    const { url } = await startAuthorization(clientOf(talkdesk), { redirectUri: REDIRECT_URI });
    const changed = new URL(url);
    for (const [name, value] of Object.entries(changes)) changed.searchParams.set(name, value);
    const answer = await fetch(changed, { redirect: "manual" });
    expect([400, 401]).toContain(answer.status);
    expect(answer.headers.get("location")).toBeNull();
    expect(Object.keys((await answer.json()) as object).sort()).toEqual([
      "error",
      "error_description",
      "header",
    ]);
  });

  it("takes further parameters, and sends a denial to the callback", async () => {
    await using talkdesk = await startEmulator();
    const client = clientOf(talkdesk);
    const extra = { login_hint: "nobody@nowhere.example" };
    const pending = await startAuthorization(client, { redirectUri: REDIRECT_URI, extra });
    const answer = await fetch(pending.url, { redirect: "manual" });
    const error = await failure(finishAuthorization(client, answer.headers.get("location") ?? "", pending));
    expect(error).toMatchObject({ code: "authorization_denied", error: "access_denied", retryable: false });
    expect(talkdesk.requests.to("token")).toHaveLength(0);
  });
});
