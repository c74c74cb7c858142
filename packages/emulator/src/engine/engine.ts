import type { IncomingMessage } from "node:http";
import { makeRecentSet } from "../base/recent-set.js";
import type { EmulatorClient } from "../world/clients.js";
import { type SigningAlgorithm, type SigningKey, signJwt } from "../world/signing-keys.js";
import { makeEngineAuthorization } from "./engine-client.js";
import { type EngineOptions, makeEngineConfiguration } from "./engine-configuration.js";
import { callEngine } from "./engine-exchange.js";
import type { EngineLibrary } from "./engine-library.js";

/** A login to issue a code for. */
interface CodeRequest {
  readonly client: EmulatorClient;
  readonly userId: string;
  readonly scopes: readonly string[];
  readonly redirectUri: string;
  /** True when the request named the scope `openid`. Only then does the exchange of the code give an ID token. */
  readonly wantsIdToken: boolean;
  readonly nonce?: string;
  /** A PKCE challenge, S256. */
  readonly codeChallenge?: string;
}

/** The tokens issued, or why the request was refused. */
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
  /** Issues tokens. It handles requests one after the other, so a code cannot be used twice at the same time. */
  requestTokens(client: EmulatorClient, form: URLSearchParams): Promise<TokenOutcome>;
  issueCode(request: CodeRequest): Promise<string>;
}

/** Makes the authorization server of one account in one region, with oidc-provider. */
export function makeEngine({ Provider, toPlain }: EngineLibrary, options: EngineOptions): Engine {
  const { region, account, seed, issuer, gateway } = options;
  const label = `${region}/${account}`;
  const grantsWithIdToken = makeRecentSet<string>();
  const usedRefreshTokens = makeRecentSet<string>();
  const logins = new WeakMap<IncomingMessage, { grantId?: string; userId?: string }>();

  const provider = new Provider(issuer, toPlain(makeEngineConfiguration(options)));

  // The identifier of a record is the value that a client gets. Taken from the seed, it is the same in every run.
  replaceIdentifiers(provider.RefreshToken, seed.tokens(`${label}/refresh`, 64));
  replaceIdentifiers(provider.AuthorizationCode, seed.tokens(`${label}/code`, 43));
  replaceIdentifiers(provider.Grant, seed.identifiers(`${label}/grant`, 32));

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

  async function exchange(client: EmulatorClient, form: URLSearchParams): Promise<TokenOutcome> {
    const refreshToken = form.get("refresh_token") ?? "";
    if (options.refreshReuse === "refuse" && usedRefreshTokens.has(refreshToken)) {
      return {
        ok: false,
        status: 400,
        error: "invalid_grant",
        description: "The refresh token has been used before.",
      };
    }
    let seen: IncomingMessage | undefined;
    const { status, body } = await callEngine(
      (request, response) => {
        seen = request;
        return handle(request, response);
      },
      { path: "/oauth/token", authorization: makeEngineAuthorization(client), form },
      host,
    );
    if (status >= 500) throw failure ?? new Error(`The engine answered ${status}.`);
    if (status !== 200) {
      const { error, error_description: description } = body;
      return { ok: false, status, error: String(error), description: String(description ?? "") };
    }
    const login = seen && logins.get(seen);
    const isRefresh = form.get("grant_type") === "refresh_token";
    const givesIdToken = !isRefresh && grantsWithIdToken.has(login?.grantId ?? "");
    if (isRefresh && body["refresh_token"] !== refreshToken) usedRefreshTokens.add(refreshToken);
    return {
      ok: true,
      accessToken: signJwt(readClaims(body["access_token"]), getSigningKey("ES256")),
      expiresIn: Number(body["expires_in"]),
      scopes: String(body["scope"] ?? "")
        .split(" ")
        .filter(Boolean),
      refreshToken:
        isRefresh && options.omitsRefreshTokens ? undefined : (body["refresh_token"] as string | undefined),
      idToken: givesIdToken ? signIdToken(body["id_token"]) : undefined,
      grantId: login?.grantId,
      userId: login?.userId,
    };
  }

  function getSigningKey(algorithm: SigningAlgorithm): SigningKey {
    return options.signingKeys.getCurrent(region, account, algorithm);
  }

  function signIdToken(jwt: unknown): string {
    const { sub, aud, exp, iat, nonce } = readClaims(jwt);
    const claims = { iss: options.idTokenIssuer, sub, aud, exp, iat, ...(nonce !== undefined && { nonce }) };
    return signJwt({ ...claims, emulator: true }, getSigningKey(options.idTokenAlgorithm));
  }

  /** Reads the claims of a token that the engine made, and moves its times to the clock of the service. */
  function readClaims(jwt: unknown): Record<string, unknown> {
    const payload = Buffer.from(String(jwt).split(".")[1] ?? "", "base64url").toString("utf8");
    const claims = JSON.parse(payload) as Record<string, unknown>;
    for (const name of ["iat", "nbf", "exp"]) {
      if (typeof claims[name] === "number") claims[name] += Math.round(options.clockSkewMs / 1000);
    }
    return claims;
  }

  return {
    requestTokens(client, form) {
      const outcome = queue.then(() => exchange(client, form));
      queue = outcome.catch(() => undefined);
      return outcome;
    },
    async issueCode({ client, userId, scopes, redirectUri, wantsIdToken, nonce, codeChallenge }) {
      const engineClient = await provider.Client.find(client.clientId);
      if (engineClient === undefined) throw new Error(`The engine does not know client ${client.clientId}.`);
      const scope = scopes.join(" ");
      const grant = new provider.Grant({ accountId: userId, clientId: client.clientId });
      // The engine keeps OpenID scopes and API scopes apart; a scope of Talkdesk may be either.
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

function replaceIdentifiers(model: { readonly prototype: object }, next: () => string): void {
  Object.defineProperty(model.prototype, "generateTokenId", { value: next, configurable: true });
}
