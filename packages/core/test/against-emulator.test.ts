import {
  type AccessToken,
  clientCredentials,
  clientSecretBasic,
  type Grant,
  memoryStore,
  type PrivateKeyJwtOptions,
  privateKeyJwt,
  type Region,
  requestToken,
  serviceToken,
  type TalkdeskClient,
  type TalkdeskError,
  type TokenStore,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, type EmulatorClient, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { REGIONS } from "./support/regions.js";

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

function signing(
  client: EmulatorClient = talkdesk.clients.get(),
  region: Region = "us",
  options: Partial<PrivateKeyJwtOptions> = {},
): TalkdeskClient {
  const { clientId, keyId, privateKey } = client;
  return talkdeskClient({
    endpoints: talkdesk.endpoints(client.account, region),
    authentication: privateKeyJwt({ clientId, keyId, privateKey, ...options }),
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
  it.each(REGIONS)("bring a token that the gateway of %s takes", async (region) => {
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

  it("are refused for a wrong secret, and the error says what to check", async () => {
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

  it("are refused for an unknown account, and the error says so", async () => {
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

describe("client credentials with a signed JWT", () => {
  it.each(REGIONS)("bring a token that the gateway of %s takes", async (region) => {
    const client = signing(undefined, region);
    await using source = clientCredentials(client, { scope: "users:read" });
    const { authorization } = await source.getToken();
    const { status } = await fetch(`${client.endpoints.api}/users`, { headers: { authorization } });
    expect(status).toBe(200);
    const [sent] = talkdesk.requests.to("token");
    expect([...(sent?.form.keys() ?? [])]).toEqual([
      "grant_type",
      "scope",
      "client_assertion_type",
      "client_assertion",
    ]);
    expect(sent?.headers["authorization"]).toBeUndefined();
  });

  it.each(["ES256", "ES384", "ES512", "PS256", "PS384", "PS512"] as const)(
    "are proved by %s",
    async (algorithm) => {
      const client = talkdesk.clients.add({ keyAlgorithm: algorithm });
      for (const options of [{ algorithm }, { algorithm, sendClientId: true }]) {
        const token = await requestToken(signing(client, "eu", options), {
          grant_type: "client_credentials",
        });
        expect(token.type).toBe("Bearer");
      }
    },
  );

  it("have a new assertion for every attempt", async () => {
    talkdesk.faults.add({ at: "token", respond: { status: 503 }, times: 2 });
    await requestToken(signing(), { grant_type: "client_credentials" });
    const assertions = talkdesk.requests.to("token").map(({ form }) => form.get("client_assertion"));
    expect(new Set(assertions).size).toBe(3);
  });

  it("are refused after a rotation of the key, and a hint names the id of the old key", async () => {
    const client = talkdesk.clients.get();
    talkdesk.clients.rotateKey(client.clientId);
    const error = await refusal({ grant_type: "client_credentials" }, signing(client));
    expect(error).toMatchObject({ code: "client_refused", error: "invalid_client" });
    expect(error.hints.join(" ")).toContain(
      `client ${client.clientId} and the key ${client.keyId}, and is signed with ES256`,
    );
    const rotated = signing(talkdesk.clients.get());
    expect((await requestToken(rotated, { grant_type: "client_credentials" })).type).toBe("Bearer");
  });

  it("are refused for another audience, which a hint names", async () => {
    const audience = "https://www.talkdeskid.com";
    const error = await refusal({ grant_type: "client_credentials" }, signing(undefined, "us", { audience }));
    expect(error.code).toBe("client_refused");
    expect(error.hints.join(" ")).toContain(`is meant for ${audience}, which is not the address`);
  });

  it.each([-86_400_000, -600_000, 600_000, 86_400_000])(
    "are proved by the server's clock when it is %d ms ahead, after one refusal",
    async (clockSkewMs) => {
      await using skewed = await startEmulator({ clockSkewMs });
      const { clientId, keyId, privateKey } = skewed.clients.get();
      const client = talkdeskClient({
        endpoints: skewed.endpoints(),
        authentication: privateKeyJwt({ clientId, keyId, privateKey }),
      });
      const before = Date.now();
      const token = await requestToken(client, { grant_type: "client_credentials" });
      expect(token.issuedAt).toBeGreaterThanOrEqual(before);
      expect(token.issuedAt).toBeLessThanOrEqual(Date.now());
      await requestToken(client, { grant_type: "client_credentials" });
      expect(skewed.requests.to("token")).toHaveLength(3);
    },
  );

  it("are refused with a hint when the clock is off and the key is wrong", async () => {
    await using skewed = await startEmulator({ clockSkewMs: 600_000 });
    const { clientId, privateKey } = skewed.clients.get();
    const client = talkdeskClient({
      endpoints: skewed.endpoints(),
      authentication: privateKeyJwt({ clientId, keyId: "another", privateKey }),
    });
    const { code, hints } = await refusal({ grant_type: "client_credentials" }, client);
    expect(code).toBe("client_refused");
    expect(hints.at(-1)).toMatch(
      /^This machine's clock is (?:599|600) s behind the server's; the assertion went by/,
    );
    expect(skewed.requests.to("token")).toHaveLength(2);
  });
});

describe("a service token", () => {
  it.each(REGIONS)("is taken bare by the gateway of %s", async (region) => {
    for (const client of [clientIn(region), signing(undefined, region)]) {
      await using source = serviceToken(client, { scope: "users:read", lifetimeSeconds: 86_400 });
      const token = await source.getToken();
      expect(token).toMatchObject({ type: "opaque", scope: ["users:read"], expiryAssumed: false });
      expect(token.authorization).toBe(token.value);
      expect(token.expiresAt - token.issuedAt).toBe(86_400_000);
      const { authorization } = token;
      const { status } = await fetch(`${client.endpoints.api}/users`, { headers: { authorization } });
      expect(status).toBe(200);
    }
    expect(talkdesk.requests.to("token").map(({ form }) => form.get("token_type"))).toEqual([
      "opaque",
      "opaque",
    ]);
  });

  it("has the service's lifetime by default", async () => {
    const token = await serviceToken(clientIn()).getToken();
    expect(token.expiresAt - token.issuedAt).toBeGreaterThanOrEqual(86_400_000);
    expect(talkdesk.requests.to("token")[0]?.form.has("expires_in")).toBe(false);
  });
});

describe("a login", () => {
  it("gives the tokens of a user, once for each code", async () => {
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

describe("a login of a client with a key", () => {
  it("is finished and refreshed with signed JWTs", async () => {
    const grant = await login("openid refresh_token");
    const client = signing([...talkdesk.clients].at(-1));
    const { refreshToken } = await requestToken(client, grant);
    const refreshed = await requestToken(client, {
      grant_type: "refresh_token",
      refresh_token: String(refreshToken),
    });
    expect(refreshed.refreshToken).toBeDefined();
    for (const { headers, form } of talkdesk.requests.to("token")) {
      expect(headers["authorization"]).toBeUndefined();
      expect(form.get("client_assertion")?.split(".")).toHaveLength(3);
    }
  });
});

describe("a session in a store", () => {
  const KEY = "session";

  async function loggedIn(store: TokenStore): Promise<{ client: TalkdeskClient; session: UserSession }> {
    const grant = await login("openid refresh_token users:read");
    const client = addedClient();
    const session = userSession(client, { store, key: KEY, token: await requestToken(client, grant) });
    await session.getToken();
    return { client, session };
  }

  it("of one region is not used by a client of another region: it sends no token and no refresh token there", async () => {
    const store = memoryStore();
    const { client, session } = await loggedIn(store);
    const europe = talkdeskClient({
      endpoints: talkdesk.endpoints(undefined, "eu"),
      authentication: client.authentication,
    });
    await using stranger = userSession(europe, { store, key: KEY });
    const error = await stranger.getToken().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "reauthentication_required" });
    expect(talkdesk.requests.to("token").filter(({ region }) => region === "eu")).toEqual([]);
    const rejected = await session.getToken();
    expect((await session.getToken({ rejected })).value).not.toBe(rejected.value);
  });

  it("that was revoked is over from the first refusal on, in each process", async () => {
    const store = memoryStore();
    const { client, session } = await loggedIn(store);
    const rejected = await session.getToken();
    talkdesk.tokens.revoke();
    for (const request of [{ rejected }, {}, {}]) {
      const error = await session.getToken(request).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "reauthentication_required" });
    }
    await using other = userSession(client, { store, key: KEY });
    await expect(other.getToken()).rejects.toMatchObject({ code: "reauthentication_required" });
    const refreshes = talkdesk.requests
      .to("token")
      .filter(({ form }) => form.get("grant_type") === "refresh_token");
    expect(refreshes).toHaveLength(1);
  });

  it("whose refresh is answered late is renewed all the same, and the next call has its token", async () => {
    const store = memoryStore();
    const { client, session: first } = await loggedIn(store);
    const { authentication, endpoints } = client;
    await using session = userSession(talkdeskClient({ endpoints, authentication, timeoutMs: 4_000 }), {
      store,
      key: KEY,
    });
    const rejected = await first.getToken();
    await session.getToken();
    talkdesk.faults.add({ at: "token", delayMs: 6_000 });
    const error = await session.getToken({ rejected }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "refresh_outcome_unknown", retryable: true });
    let renewed: AccessToken | undefined;
    while (renewed === undefined) {
      renewed = await session.getToken({ rejected }).catch((reason: TalkdeskError) => {
        if (reason.code !== "lock_timeout") throw reason;
        return undefined;
      });
    }
    expect(renewed.refreshToken).not.toBe(rejected.refreshToken);
    const refreshes = talkdesk.requests
      .to("token")
      .filter(({ form }) => form.get("grant_type") === "refresh_token");
    expect(refreshes).toHaveLength(1);
  });
});
