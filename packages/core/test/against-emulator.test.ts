import {
  clientCredentials,
  clientSecretBasic,
  type Grant,
  type Region,
  requestToken,
  type TalkdeskClient,
  type TalkdeskError,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const REDIRECT_URI = "https://app.example/callback";

let talkdesk: Emulator;

beforeEach(async () => {
  talkdesk = await startEmulator();
});

afterEach(() => talkdesk.stop());

function clientIn(region: Region = "us", secret?: string): TalkdeskClient {
  const { clientId, clientSecret } = talkdesk.clients.get();
  return talkdeskClient({
    endpoints: talkdesk.endpoints(undefined, region),
    authentication: clientSecretBasic({ clientId, clientSecret: secret ?? clientSecret }),
  });
}

async function refusal(grant: Grant, client = clientIn()): Promise<TalkdeskError> {
  const answer: unknown = await requestToken(client, grant).catch((error: unknown) => error);
  return answer as TalkdeskError;
}

async function login(scope: string): Promise<Grant & { grant_type: "authorization_code" }> {
  const { clientId } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
  const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI, scope });
  return { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI };
}

/** The client that {@link login} has made. */
function addedClient(): TalkdeskClient {
  const { clientId, clientSecret } = [...talkdesk.clients].at(-1) ?? talkdesk.clients.get();
  return talkdeskClient({
    endpoints: talkdesk.endpoints(),
    authentication: clientSecretBasic({ clientId, clientSecret }),
  });
}

describe("client credentials", () => {
  it.each(["us", "eu", "ca", "au"] as const)("bring a token that the gateway of %s takes", async (region) => {
    const client = clientIn(region);
    await using source = clientCredentials(client, { scope: "users:read" });
    const token = await source.getToken();
    expect(token).toMatchObject({ type: "Bearer", scope: ["users:read"], expiryAssumed: false });
    expect(token.expiresAt - token.issuedAt).toBe(599_000);
    expect([token.refreshToken, token.sessionId, token.idToken]).toEqual([undefined, undefined, undefined]);
    const { authorization } = token;
    const { status } = await fetch(`${client.endpoints.api}/users`, { headers: { authorization } });
    expect(status).toBe(200);
  });

  it("name every scope of the client when none is asked for", async () => {
    const { scope } = await requestToken(clientIn(), { grant_type: "client_credentials" });
    expect([...(scope ?? [])].sort()).toEqual([...talkdesk.clients.get().scopes].sort());
  });

  it("are refused for a wrong secret, with words about what to check", async () => {
    const error = await refusal({ grant_type: "client_credentials" }, clientIn("us", "not-the-secret"));
    expect(error).toMatchObject({
      code: "client_refused",
      status: 401,
      error: "invalid_client",
      retryable: false,
    });
    expect(error.hints.join(" ")).toMatch(/one account and one region only/);
    expect(talkdesk.requests.to("token")).toHaveLength(1);
  });

  it("are refused for a scope that the client does not have", async () => {
    const error = await refusal({ grant_type: "client_credentials", scope: "no:such" });
    expect(error).toMatchObject({ code: "request_refused", status: 400, error: "invalid_scope" });
    expect(error.hints.join(" ")).toMatch(/added to the client minutes ago/);
  });

  it("say so when the account is unknown", async () => {
    const { token } = talkdesk.endpoints();
    const endpoints = { ...talkdesk.endpoints(), token: token.replace("/acme/", "/nobody/") };
    const { authentication } = clientIn();
    const error = await refusal(
      { grant_type: "client_credentials" },
      talkdeskClient({ endpoints, authentication }),
    );
    expect(error).toMatchObject({ code: "token_unexpected_response", status: 404 });
  });

  it("are sent as Talkdesk documents them, to the byte", async () => {
    await requestToken(clientIn(), { grant_type: "client_credentials", scope: "account:read contacts:read" });
    const { clientId, clientSecret } = talkdesk.clients.get();
    const [sent] = talkdesk.requests.to("token");
    expect(sent?.text).toBe("grant_type=client_credentials&scope=account%3Aread+contacts%3Aread");
    expect(sent?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
    const pair = Buffer.from(`${clientId}:${clientSecret}`);
    expect(pair.length).toBe(119);
    expect(sent?.headers["authorization"]).toBe(`Basic ${pair.toString("base64")}`);
  });
});

describe("a login", () => {
  it("brings what belongs to a user, once for a code", async () => {
    const grant = await login("openid users:read");
    const token = await requestToken(addedClient(), grant);
    expect(token.sessionId).toHaveLength(32);
    expect(token.idToken?.split(".")).toHaveLength(3);
    expect(await refusal(grant, addedClient())).toMatchObject({
      code: "request_refused",
      error: "invalid_grant",
    });
  });

  it("is refused with another redirect URI", async () => {
    const grant = await login("openid");
    const error = await refusal({ ...grant, redirect_uri: "https://app.example/elsewhere" }, addedClient());
    expect(error).toMatchObject({ code: "request_refused", error: "invalid_grant" });
  });

  it("is refreshed, and refused for a refresh token that is made up", async () => {
    const grant = await login("openid refresh_token");
    const client = addedClient();
    const { refreshToken } = await requestToken(client, grant);
    const refreshed = await requestToken(client, {
      grant_type: "refresh_token",
      refresh_token: String(refreshToken),
    });
    expect(refreshed.refreshToken).toBeDefined();
    expect(refreshed.refreshToken).not.toBe(refreshToken);
    const error = await refusal({ grant_type: "refresh_token", refresh_token: "made-up" }, client);
    expect(error).toMatchObject({ code: "request_refused", error: "invalid_grant" });
  });
});
