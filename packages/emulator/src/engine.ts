import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { AdapterPayload, JWK } from "oidc-provider";
import type { EmulatorClient } from "./clients.js";
import { exchangeWithEngine } from "./engine-exchange.js";
import type { ProviderConstructor } from "./engine-library.js";
import { engineStorage } from "./engine-storage.js";
import type { Region } from "./region.js";
import type { Seed, SigningKey } from "./seed.js";

/** What one engine is for. */
export interface EngineOptions {
  readonly library: ProviderConstructor;
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of its access tokens: the gateway. */
  readonly gateway: string;
  readonly tokenLifetimeSeconds: number;
  readonly rotatesRefreshTokens: boolean;
  readonly findClient: (clientId: string) => EmulatorClient | undefined;
  readonly findUser: (userId: string) => EngineUser | undefined;
  /** Called when the engine takes back all tokens of a login, as it does when a code or refresh token is reused. */
  readonly onGrantRevoked: (grantId: string) => void;
}

/** What an ID token says of a user. */
export interface EngineUser {
  readonly name: string;
  readonly email: string;
}

/** A login that a code stands for. */
export interface CodeRequest {
  readonly client: EmulatorClient;
  readonly userId: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  /** Whether openid was asked for by name: only then does the exchange of the code bring an ID token. */
  readonly wantsIdToken: boolean;
  readonly nonce?: string;
  /** S256. */
  readonly codeChallenge?: string;
}

/** Tokens issued, or the reason for none. */
export type TokenOutcome =
  | {
      readonly ok: true;
      readonly accessToken: string;
      readonly expiresIn: number;
      readonly scopes: readonly string[];
      readonly refreshToken: string | undefined;
      readonly idToken: string | undefined;
      readonly grantId: string | undefined;
      readonly userId: string | undefined;
    }
  | {
      readonly ok: false;
      readonly status: number;
      readonly error: string;
      readonly description: string;
    };

/** The authorization server of one account in one region. */
export interface Engine {
  readonly accountId: string;
  /** Issues tokens. Requests are handled one after the other, so that two can never use up the same code. */
  requestTokens(client: EmulatorClient, secret: string, form: URLSearchParams): Promise<TokenOutcome>;
  issueCode(request: CodeRequest): Promise<string>;
  /** The public keys, as the JWKS endpoint shows them. */
  readonly jwks: { readonly keys: readonly Omit<SigningKey, "d">[] };
}

const codeLifetimeSeconds = 60;
const dayInSeconds = 86_400;

/** Makes the authorization server of one account in one region, on oidc-provider. */
export function startEngine(options: EngineOptions): Engine {
  const { library, region, account, seed, issuer, gateway, tokenLifetimeSeconds, findClient } = options;
  const label = `${region}/${account}`;
  const { d, ...publicKey } = seed.signingKey(`${label}/key`);
  const accountId = seed.hex(`account/${account}`, 24);
  const nextJti = seed.sequence(`${label}/jti`, 24);
  const grantsWithIdToken = new Set<string>();
  const logins = new WeakMap<IncomingMessage, { grantId?: string; userId?: string }>();

  const provider = new library(issuer, {
    adapter: engineStorage((clientId) => {
      const client = findClient(clientId);
      return client && clientMetadata(client);
    }),
    jwks: { keys: [{ ...publicKey, d } as JWK] },
    routes: { token: "/oauth/token", authorization: "/oauth/authorize", jwks: "/oauth/2023-10/certs" },
    clientAuthMethods: ["client_secret_basic"],
    clockTolerance: 0,
    pkce: { required: () => false },
    rotateRefreshToken: options.rotatesRefreshTokens,
    issueRefreshToken: async (_context, client) => client.grantTypeAllowed("refresh_token"),
    expiresWithSession: async () => false,
    findAccount: async (_context, userId) => {
      const user = options.findUser(userId);
      return user && { accountId: userId, claims: async () => ({ sub: userId, ...user }) };
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => gateway,
        useGrantedResource: async () => true,
        getResourceServerInfo: (_context, _resource, client) => ({
          scope: (findClient(client.clientId)?.scopes ?? []).join(" "),
          audience: gateway,
          accessTokenFormat: "jwt",
          accessTokenTTL: tokenLifetimeSeconds,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt(_context, token, parts) {
          const { iat, exp, sub } = parts.payload as { iat: number; exp: number; sub: string };
          parts.header = { typ: undefined };
          parts.payload = {
            iss: issuer,
            aud: gateway,
            // The real service announces 599 seconds for tokens that live 600.
            exp: exp + 1,
            nbf: iat,
            iat,
            jti: `emulator${nextJti()}`,
            cid: token.clientId,
            gty: ("gty" in token ? token.gty : undefined)?.split(" ").at(-1) ?? "client_credentials",
            scp: token.scope?.split(" ") ?? [],
            rlm: "emulator",
            aid: accountId,
            acc: account,
            sub,
            emulator: true,
          };
        },
      },
    },
    ttl: {
      AccessToken: tokenLifetimeSeconds,
      AuthorizationCode: codeLifetimeSeconds,
      ClientCredentials: tokenLifetimeSeconds,
      Grant: 30 * dayInSeconds,
      IdToken: tokenLifetimeSeconds,
      Interaction: codeLifetimeSeconds,
      RefreshToken: 30 * dayInSeconds,
      Session: dayInSeconds,
    },
  });

  // The identifier of a model is the value a client gets; taken from the seed, runs can be compared.
  identifyBySeed(provider.RefreshToken, seed.sequence(`${label}/refresh`, 64));
  identifyBySeed(provider.AuthorizationCode, seed.sequence(`${label}/code`, 43));
  identifyBySeed(provider.Grant, seed.sequence(`${label}/grant`, 32));

  let failure: unknown;
  provider.on("server_error", (_context, error) => {
    failure = error;
  });
  provider.on("grant.revoked", (_context, grantId) => options.onGrantRevoked(grantId));
  provider.use(async (context, next) => {
    await next();
    const { Grant: grant, Account: user } = context["oidc"]?.entities ?? {};
    logins.set(context.req, {
      ...(grant !== undefined && { grantId: grant.jti }),
      ...(user !== undefined && { userId: user.accountId }),
    });
  });

  const handle = provider.callback();
  const { host } = new URL(issuer);
  let queue: Promise<unknown> = Promise.resolve();

  async function exchange(clientId: string, secret: string, form: URLSearchParams): Promise<TokenOutcome> {
    let seen: IncomingMessage | undefined;
    const { status, body } = await exchangeWithEngine(
      (request, response) => {
        seen = request;
        return handle(request, response);
      },
      { path: "/oauth/token", authorization: engineAuthorization(clientId, secret), form },
      host,
    );
    if (status >= 500) throw failure ?? new Error(`the engine answered ${status}`);
    if (status !== 200) {
      const { error, error_description: description } = body;
      return { ok: false, status, error: String(error), description: String(description ?? "") };
    }
    const login = seen && logins.get(seen);
    const bringsIdToken =
      form.get("grant_type") === "authorization_code" && grantsWithIdToken.has(login?.grantId ?? "");
    return {
      ok: true,
      accessToken: String(body["access_token"]),
      expiresIn: Number(body["expires_in"]),
      scopes: String(body["scope"] ?? "")
        .split(" ")
        .filter(Boolean),
      refreshToken: body["refresh_token"] as string | undefined,
      idToken: bringsIdToken ? (body["id_token"] as string | undefined) : undefined,
      grantId: login?.grantId,
      userId: login?.userId,
    };
  }

  return {
    accountId,
    jwks: { keys: [publicKey] },
    requestTokens(client, secret, form) {
      const outcome = queue.then(() => exchange(client.clientId, secret, form));
      queue = outcome.catch(() => undefined);
      return outcome;
    },
    async issueCode({ client, userId, scopes, redirectUri, wantsIdToken, nonce, codeChallenge }) {
      const engineClient = await provider.Client.find(client.clientId);
      if (engineClient === undefined) throw new Error(`there is no client ${client.clientId}`);
      const scope = scopes.join(" ");
      const grant = new provider.Grant({ accountId: userId, clientId: client.clientId });
      // The engine looks for OpenID scopes and for those of an API in different places.
      grant.addOIDCScope(scope);
      grant.addResourceScope(gateway, scope);
      const grantId = await grant.save();
      if (wantsIdToken) grantsWithIdToken.add(grantId);
      return new provider.AuthorizationCode({
        client: engineClient,
        accountId: userId,
        grantId,
        gty: "authorization_code",
        redirectUri,
        resource: gateway,
        scope,
        authTime: Math.floor(Date.now() / 1000),
        ...(nonce !== undefined && { nonce }),
        ...(codeChallenge !== undefined && { codeChallenge, codeChallengeMethod: "S256" }),
      }).save();
    },
  };
}

/**
 * The engine form-decodes Basic credentials as RFC 6749 says, Talkdesk takes them as they are. The emulator reads
 * the pair itself and hands the engine a digest of the secret, which no decoding changes.
 */
function engineAuthorization(clientId: string, secret: string): string {
  const pair = `${encodeURIComponent(clientId)}:${secretDigest(secret)}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
}

function secretDigest(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

function clientMetadata(client: EmulatorClient): AdapterPayload {
  const usesCodes = client.grantTypes.includes("authorization_code") && client.redirectUris.length > 0;
  return {
    client_id: client.clientId,
    client_secret: secretDigest(client.clientSecret),
    grant_types: client.grantTypes.filter((grantType) => usesCodes || grantType !== "authorization_code"),
    redirect_uris: usesCodes ? [...client.redirectUris] : [],
    response_types: usesCodes ? ["code"] : [],
    token_endpoint_auth_method: "client_secret_basic",
    id_token_signed_response_alg: "ES256",
  } as AdapterPayload;
}

function identifyBySeed(model: { readonly prototype: object }, next: () => string): void {
  Object.defineProperty(model.prototype, "generateTokenId", { value: next, configurable: true });
}
