import type { Configuration } from "oidc-provider";
import type { Region } from "../base/region.js";
import type { Seed } from "../base/seed.js";
import { makeAccountId } from "../world/account-id.js";
import type { EmulatorClient } from "../world/clients.js";
import type { SigningAlgorithm, SigningKeys } from "../world/signing-keys.js";
import { toEngineClient } from "./engine-client.js";
import { makeEngineStorage } from "./engine-storage.js";

/** The settings of an engine, and what it asks the emulator for. */
export interface EngineOptions {
  readonly region: Region;
  readonly account: string;
  readonly seed: Seed;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** The `aud` of its access tokens: the gateway. */
  readonly gateway: string;
  readonly tokenLifetimeSeconds: number;
  /** How far the clock of the service is ahead, in milliseconds. */
  readonly clockSkewMs: number;
  /** The keys that sign the tokens, since those of an engine cannot be rotated. */
  readonly signingKeys: SigningKeys;
  readonly idTokenAlgorithm: SigningAlgorithm;
  readonly idTokenIssuer: string;
  readonly rotatesRefreshTokens: boolean;
  /** True: the answer to a refresh has no refresh token. */
  readonly omitsRefreshTokens: boolean;
  /** What a second use of a refresh token leads to: the end of the login, or a refusal. */
  readonly refreshReuse: "revoke" | "refuse";
  /** True: a login gets a refresh token only when its scope has `refresh_token`. */
  readonly requiresRefreshTokenScope: boolean;
  readonly findClient: (clientId: string) => EmulatorClient | undefined;
  readonly findUser: (userId: string) => EngineUser | undefined;
  /** Called when the engine revokes a login, because a code or a refresh token was used twice. */
  readonly onGrantRevoked: (grantId: string) => void;
  readonly isGrantRevoked: (grantId: string) => boolean;
}

/** A user as the engine knows one. */
interface EngineUser {
  readonly name: string;
  readonly email: string;
}

const CODE_LIFETIME_SECONDS = 60;
const DAY_SECONDS = 86_400;

/** Makes the configuration of an engine. */
export function makeEngineConfiguration(options: EngineOptions): Configuration {
  const { region, account, seed, issuer, gateway, tokenLifetimeSeconds, findClient } = options;
  const label = `${region}/${account}`;
  const accountId = makeAccountId(seed, account);
  const nextJti = seed.identifiers(`${label}/jti`, 24);
  const { privateKey } = options.signingKeys.getCurrent(region, account, "ES256");

  return {
    adapter: makeEngineStorage((clientId) => {
      const client = findClient(clientId);
      return client && toEngineClient(client);
    }, options.isGrantRevoked),
    jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kty: "EC", alg: "ES256", use: "sig" }] },
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
            // The real service announces 599 seconds for tokens that live 600 seconds.
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
      AuthorizationCode: CODE_LIFETIME_SECONDS,
      ClientCredentials: tokenLifetimeSeconds,
      Grant: 30 * DAY_SECONDS,
      IdToken: tokenLifetimeSeconds,
      Interaction: CODE_LIFETIME_SECONDS,
      RefreshToken: 30 * DAY_SECONDS,
      Session: DAY_SECONDS,
    },
  };
}
