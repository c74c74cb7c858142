import type { IncomingMessage } from "node:http";
import { markedAsFake } from "../base/fake-mark.js";
import { recentSet } from "../base/recent-set.js";
import type { EmulatorClient } from "../world/clients.js";
import { type SigningAlgorithm, type SigningKey, signJwt } from "../world/signing-keys.js";
import { engineAuthorization } from "./engine-client.js";
import { type EngineOptions, engineConfiguration } from "./engine-configuration.js";
import { exchangeWithEngine } from "./engine-exchange.js";
import type { EngineLibrary } from "./engine-library.js";

/** A login that a code stands for. */
interface CodeRequest {
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
  /** Issues tokens. Requests are handled one after the other, so that two can never use up the same code. */
  requestTokens(client: EmulatorClient, secret: string, form: URLSearchParams): Promise<TokenOutcome>;
  issueCode(request: CodeRequest): Promise<string>;
}

/** Makes the authorization server of one account in one region, on oidc-provider. */
export function startEngine({ Provider, toPlain }: EngineLibrary, options: EngineOptions): Engine {
  const { region, account, seed, issuer, gateway } = options;
  const label = `${region}/${account}`;
  const grantsWithIdToken = recentSet<string>();
  const usedRefreshTokens = recentSet<string>();
  const logins = new WeakMap<IncomingMessage, { grantId?: string; userId?: string }>();

  const provider = new Provider(issuer, toPlain(engineConfiguration(options)));

  // The identifier of a model is the value a client gets; taken from the seed, runs can be compared.
  identifyBySeed(provider.RefreshToken, markedAsFake(seed.sequence(`${label}/refresh`, 64)));
  identifyBySeed(provider.AuthorizationCode, markedAsFake(seed.sequence(`${label}/code`, 43)));
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
    const refreshToken = form.get("refresh_token") ?? "";
    if (options.refreshReuse === "refuse" && usedRefreshTokens.has(refreshToken)) {
      return { ok: false, status: 400, error: "invalid_grant", description: "refresh token already used" };
    }
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
    const isRefresh = form.get("grant_type") === "refresh_token";
    const bringsIdToken = !isRefresh && grantsWithIdToken.has(login?.grantId ?? "");
    if (isRefresh && body["refresh_token"] !== refreshToken) usedRefreshTokens.add(refreshToken);
    return {
      ok: true,
      accessToken: signJwt(claimsOf(body["access_token"]), currentKey("ES256")),
      expiresIn: Number(body["expires_in"]),
      scopes: String(body["scope"] ?? "")
        .split(" ")
        .filter(Boolean),
      refreshToken:
        isRefresh && options.omitsRefreshTokens ? undefined : (body["refresh_token"] as string | undefined),
      idToken: bringsIdToken ? signedIdToken(body["id_token"]) : undefined,
      grantId: login?.grantId,
      userId: login?.userId,
    };
  }

  function currentKey(algorithm: SigningAlgorithm): SigningKey {
    return options.signingKeys.current(region, account, algorithm);
  }

  function signedIdToken(jwt: unknown): string {
    const { sub, aud, exp, iat, nonce } = claimsOf(jwt);
    const claims = { iss: options.idTokenIssuer, sub, aud, exp, iat, ...(nonce !== undefined && { nonce }) };
    return signJwt({ ...claims, emulator: true }, currentKey(options.idTokenAlgorithm));
  }

  /** Reads what the engine has signed, whose keys cannot be replaced, and sets its times by the service's clock. */
  function claimsOf(jwt: unknown): Record<string, unknown> {
    const payload = Buffer.from(String(jwt).split(".")[1] ?? "", "base64url").toString("utf8");
    const claims = JSON.parse(payload) as Record<string, unknown>;
    for (const name of ["iat", "nbf", "exp"]) {
      if (typeof claims[name] === "number") claims[name] += Math.round(options.clockSkewMs / 1000);
    }
    return claims;
  }

  return {
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

function identifyBySeed(model: { readonly prototype: object }, next: () => string): void {
  Object.defineProperty(model.prototype, "generateTokenId", { value: next, configurable: true });
}
