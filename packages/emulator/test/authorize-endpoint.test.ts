import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeAuthorizeUrl } from "./support/authorize-url.js";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, readClaims } from "./support/token-request.js";
import { send } from "./support/wire.js";

const REDIRECT_URI = "http://localhost:3000/callback";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
});
afterAll(() => talkdesk.stop());

const authorizeUrl = (changes: Readonly<Record<string, string | undefined>> = {}): string =>
  makeAuthorizeUrl(talkdesk, changes);

function splitAuthorizeUrl(changes: Readonly<Record<string, string>>): {
  readonly endpoint: string;
  readonly form: string;
} {
  const [endpoint = "", form = ""] = authorizeUrl(changes).split("?");
  return { endpoint, form };
}

describe("over HTTP", () => {
  it("redirects with a code and the state as it was sent", async () => {
    const state = "a b+c/ü&=%";
    const { status, headers } = await send(authorizeUrl({ state }));
    expect(status).toBe(302);
    expect(headers["cache-control"]).toBe("no-store");
    const location = new URL(headers.location ?? "");
    expect(location.origin + location.pathname).toBe(REDIRECT_URI);
    expect(location.searchParams.get("state")).toBe(state);
    expect((await exchange(talkdesk, location.searchParams.get("code") ?? "")).status).toBe(200);
  });

  it("adds no state when none was sent, and keeps the query of the redirect URI", async () => {
    const uri = "http://localhost:3000/callback?tenant=1";
    const client = talkdesk.clients.add({ redirectUris: [uri] });
    const { headers } = await send(authorizeUrl({ client_id: client.clientId, redirect_uri: uri }));
    const { searchParams } = new URL(headers.location ?? "");
    expect([...searchParams.keys()]).toEqual(["tenant", "code"]);
  });

  it.each<[string, number, string, Readonly<Record<string, string | undefined>>]>([
    ["an unknown client", 401, "invalid_client", { client_id: "nobody" }],
    ["no client", 400, "invalid_request", { client_id: undefined }],
    ["no redirect URI", 400, "invalid_request", { redirect_uri: undefined }],
    ["an unregistered redirect URI", 400, "invalid_grant", { redirect_uri: "http://evil.example/" }],
    ["a redirect URI with an additional slash", 400, "invalid_grant", { redirect_uri: `${REDIRECT_URI}/` }],
    [
      "a redirect URI with an additional query",
      400,
      "invalid_grant",
      { redirect_uri: `${REDIRECT_URI}?a=1` },
    ],
  ])("refuses %s with JSON and does not redirect", async (_name, status, error, changes) => {
    const answer = await send(authorizeUrl(changes));
    expect(answer.status).toBe(status);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.json).toEqual({ header: "OAuth Error", error, error_description: expect.any(String) });
  });

  it("refuses the client of another account, a repeated parameter, and other methods", async () => {
    const foreign = await send(authorizeUrl({ client_id: talkdesk.clients.get("globex").clientId }));
    expect(foreign.status).toBe(401);
    expect((await send(`${authorizeUrl()}&scope=openid&scope=openid`)).status).toBe(400);
    const answer = await send(authorizeUrl(), { method: "PUT" });
    expect([answer.status, answer.headers.allow]).toEqual([405, "GET, POST"]);
  });

  it("takes the parameters from a posted form too", async () => {
    const { endpoint, form } = splitAuthorizeUrl({ state: "a state", nonce: "n-1", scope: "openid" });
    const answer = await send(endpoint, {
      method: "POST",
      headers: { "content-type": "Application/X-WWW-Form-Urlencoded; charset=UTF-8" },
      body: form,
    });
    expect(answer.status).toBe(302);
    const { searchParams } = new URL(answer.headers.location ?? "");
    expect(searchParams.get("state")).toBe("a state");
    const { json } = await exchange(talkdesk, searchParams.get("code") ?? "");
    expect(readClaims(json.id_token).nonce).toBe("n-1");
  });

  it.each<[string, number, string, string]>([
    ["that repeats what is in the address", 400, "?state=1", "application/x-www-form-urlencoded"],
    ["that is not a form", 400, "", "application/json"],
  ])("refuses a posted body %s", async (_name, status, query, type) => {
    const { endpoint, form } = splitAuthorizeUrl({ state: "2" });
    const answer = await send(`${endpoint}${query}`, {
      method: "POST",
      headers: { "content-type": type },
      body: form,
    });
    expect([answer.status, answer.json.error]).toEqual([status, "invalid_request"]);
  });

  it("refuses a posted form that is too long", async () => {
    const { endpoint, form } = splitAuthorizeUrl({ nonce: "n".repeat(60_000) });
    const answer = await send(endpoint, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: form,
    });
    expect([answer.status, answer.json.error]).toEqual([400, "invalid_request"]);
  });

  it.each<[string, string, Readonly<Record<string, string | undefined>>]>([
    ["another response type", "unsupported_response_type", { response_type: "token" }],
    ["no response type", "unsupported_response_type", { response_type: undefined }],
    ["an unknown scope", "invalid_scope", { scope: "openid nothing:read" }],
    [
      "a plain challenge",
      "invalid_request",
      { code_challenge: "c".repeat(43), code_challenge_method: "plain" },
    ],
    ["a short challenge", "invalid_request", { code_challenge: "c", code_challenge_method: "S256" }],
    ["an unknown user", "access_denied", { login_hint: "nobody@example.com" }],
  ])("redirects with an error for %s", async (_name, error, changes) => {
    const { status, headers } = await send(authorizeUrl({ state: "s", ...changes }));
    expect(status).toBe(302);
    const { searchParams } = new URL(headers.location ?? "");
    expect(searchParams.get("error")).toBe(error);
    expect(searchParams.get("state")).toBe("s");
    expect(searchParams.has("code")).toBe(false);
  });
});

describe("authorize()", () => {
  it("gives code, state and callback for the account and region", async () => {
    const result = await talkdesk.authorize({ account: "globex", region: "ca", state: "s", scope: "openid" });
    expect(result).toEqual({
      code: expect.any(String),
      state: "s",
      callback: `${REDIRECT_URI}?code=${result.code}&state=s`,
    });
    const { json } = await exchange(talkdesk, result.code, {}, { account: "globex", region: "ca" });
    expect(readClaims(json.access_token).acc).toBe("globex");
    expect(talkdesk.requests.to("authorize").at(-1)).toMatchObject({ account: "globex", region: "ca" });
  });

  it("signs in the user whose id is given", async () => {
    const { code } = await talkdesk.authorize();
    const firstUser = readClaims((await exchange(talkdesk, code)).json.access_token).sub;
    const again = await talkdesk.authorize({ user: firstUser });
    expect(readClaims((await exchange(talkdesk, again.code)).json.access_token).sub).toBe(firstUser);
  });

  it("rejects when the endpoint refuses", async () => {
    await expect(talkdesk.authorize({ redirectUri: "http://evil.example/" })).rejects.toThrow(
      "invalid_grant",
    );
    await expect(talkdesk.authorize({ clientId: "nobody", redirectUri: REDIRECT_URI })).rejects.toThrow(
      "invalid_client",
    );
    await expect(talkdesk.authorize({ scope: "nothing:read" })).rejects.toThrow("invalid_scope");
    await expect(talkdesk.authorize({ account: "nobody" })).rejects.toThrow(TypeError);
  });
});
