import type { Configuration, JWK } from "oidc-provider";
import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import type { EmulatorClient } from "../world/clients.js";
import type { SigningAlgorithm, SigningKeys } from "../world/signing-keys.js";
import { engineClient } from "./engine-client.js";
import { engineStorage } from "./engine-storage.js";

/** What one engine is for. */
export interface EngineOptions {
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of its access tokens: the gateway. */
  readonly gateway: string;
  readonly tokenLifetimeSeconds: number;
  /** How far the service's clock is ahead, in milliseconds. */
  readonly clockSkewMs: number;
  /** What its tokens are signed with, in place of the engine's own key. */
  readonly signingKeys: SigningKeys;
  readonly idTokenAlgorithm: SigningAlgorithm;
  readonly idTokenIssuer: string;
  readonly rotatesRefreshTokens: boolean;
  /** Whether the answer to a refresh lacks the refresh token. */
  readonly omitsRefreshTokens: boolean;
  /** Whether a second use of a refresh token ends the login or is only refused. */
  readonly refreshReuse: "revoke" | "refuse";
  /** Whether a login brings a refresh token only when its scope names `refresh_token`. */
  readonly requiresRefreshTokenScope: boolean;
  readonly findClient: (clientId: string) => EmulatorClient | undefined;
  readonly findUser: (userId: string) => EngineUser | undefined;
  /** Called when the engine takes back all tokens of a login, as it does when a code or refresh token is reused. */
  readonly onGrantRevoked: (grantId: string) => void;
  readonly isGrantRevoked: (grantId: string) => boolean;
}

/** What an ID token says of a user. */
interface EngineUser {
  readonly name: string;
  readonly email: string;
}

const codeLifetimeSeconds = 60;
const dayInSeconds = 86_400;

/** Sets the engine up for one account in one region. */
export function engineConfiguration(options: EngineOptions): Configuration {
  const { region, account, seed, issuer, gateway, tokenLifetimeSeconds, findClient } = options;
  const label = `${region}/${account}`;
  const accountId = seed.hex(`account/${account}`, 24);
  const nextJti = seed.sequence(`${label}/jti`, 24);

  return {
    adapter: engineStorage((clientId) => {
      const client = findClient(clientId);
      return client && engineClient(client);
    }, options.isGrantRevoked),
    jwks: { keys: [seed.signingKey(`${label}/key`) as JWK] },
    routes: { token: "/oauth/token", authorization: "/oauth/authorize", jwks: "/oauth/2023-10/certs" },
    clientAuthMethods: ["client_secret_basic"],
    clockTolerance: 0,
    pkce: { required: () => false },
    rotateRefreshToken: options.rotatesRefreshTokens,
    issueRefreshToken: async (_context, client, code) =>
      client.grantTypeAllowed("refresh_token") &&
      (!options.requiresRefreshTokenScope || code.scopes.has("refresh_token")),
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
  };
}
