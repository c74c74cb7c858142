import { encodeBase64url } from "../base/encodings.js";
import { copyError, isTalkdeskError, TalkdeskError } from "../base/errors.js";
import { parseUrl } from "../base/parse-url.js";
import type { TalkdeskClient } from "../client/client.js";
import { isPublicClient } from "../client/public-client.js";
import type { AccessToken } from "../token/access-token.js";
import { type Scope, splitScope } from "../token/grant.js";
import { authorizationCodeRequest, type GrantRequest } from "../token-endpoint/grant-request.js";
import { exchange } from "../token-endpoint/request-token.js";
import { createMask } from "../token-endpoint/sent-secrets.js";
import { parseCallback, readAuthorizationCode } from "./authorization-callback.js";
import { type IdTokenClaims, missingIdToken, verifyIdToken } from "./id-token.js";
import { checkIssuers, checkLoginClient, checkRedirectUri } from "./login-checks.js";

/** Options of {@link startAuthorization}. */
export interface StartAuthorizationOptions {
  /**
   * Where Talkdesk sends the user back to, exactly as it is registered: an absolute URL, `https:`, or `http:` on a
   * loopback address, without a fragment.
   */
  readonly redirectUri: string;
  /**
   * The scopes to ask for. `openid` requires an ID token, which binds the code to this login.
   * `refresh_token` asks for a refresh token. Default: all that the client may have.
   */
  readonly scope?: Scope | undefined;
  /**
   * Whether to send a PKCE challenge (S256). Talkdesk does not document PKCE. Default: true for a public client, which
   * must not switch it off, and false for others.
   */
  readonly pkce?: boolean | undefined;
  /** Further parameters for the authorize endpoint. They must not name those that this function sets. */
  readonly extra?: Readonly<Record<string, string>> | undefined;
}

/**
 * A login that has begun, as plain data for the session of the browser that began it. It is valid for one callback.
 * Keep it where only the server can read it: anyone who has it could complete the login in place of the user.
 */
export interface PendingAuthorization {
  /** Where to send the user. {@link finishAuthorization} also reads from it whether `openid` was asked for. */
  readonly url: string;
  /** Binds the callback to this browser. */
  readonly state: string;
  /** Binds the ID token to this login. */
  readonly nonce: string;
  /** The redirect URI of the request. The exchange of the code repeats it. */
  readonly redirectUri: string;
  /** The PKCE code verifier; absent without PKCE. */
  readonly codeVerifier?: string;
}

/** Options of {@link finishAuthorization}. */
export interface FinishAuthorizationOptions {
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * The issuers whose ID tokens are accepted. Talkdesk does not document them. Default: the origin of
   * `endpoints.authorize`, and `https://www.talkdeskid.com`.
   */
  readonly issuers?: readonly string[] | undefined;
}

/** Names that `extra` must not have: parameters that are set here, that would replace them, or that are secret. */
const OWN_PARAMETERS = new Set([
  "client_id",
  "redirect_uri",
  "response_type",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "request",
  "request_uri",
  "code_verifier",
  "client_secret",
  "client_assertion",
]);

/** The issuer seen in Talkdesk's access tokens. */
const COMMON_ISSUER = "https://www.talkdeskid.com";

/**
 * Begins a login: makes its state and nonce, and the URL to send the user to. It sends nothing and keeps nothing.
 *
 * @throws TypeError (rejection) for a redirect URI, a scope or an extra parameter that cannot be used, and for a client
 *   whose authentication has no `clientId`.
 * @example
 * const pending = await startAuthorization(client, { redirectUri, scope: "openid refresh_token" });
 * browserSession.pending = pending;
 * return Response.redirect(pending.url, 302);
 * @see RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1, RFC 7636 (PKCE); Talkdesk, "Authorization Code"
 */
export async function startAuthorization(
  client: TalkdeskClient,
  options: StartAuthorizationOptions,
): Promise<PendingAuthorization> {
  checkLoginClient(client);
  const isPublic = isPublicClient(client.authentication);
  const { redirectUri, scope, pkce = isPublic, extra = {} } = options;
  checkRedirectUri(redirectUri);
  if (typeof pkce !== "boolean") throw new TypeError("pkce must be true or false.");
  if (isPublic && !pkce) throw new TypeError("A public client needs PKCE: leave pkce out.");
  const parameters = {
    response_type: "code",
    client_id: client.authentication.clientId,
    redirect_uri: redirectUri,
    ...(scope !== undefined && { scope: splitScope(scope).join(" ") }),
    ...checkExtra(extra),
  };
  const [state, nonce] = [drawRandomText(), drawRandomText()];
  const codeVerifier = pkce ? drawRandomText() : undefined;

  const url = new URL(client.endpoints.authorize);
  for (const [name, value] of Object.entries({ ...parameters, state, nonce })) {
    url.searchParams.set(name, value);
  }
  if (codeVerifier !== undefined) {
    url.searchParams.set("code_challenge", await deriveChallenge(codeVerifier));
    url.searchParams.set("code_challenge_method", "S256");
  }
  // Every server reads %20 as a space; a plus means one in forms only.
  url.search = url.search.replaceAll("+", "%20");
  return { url: url.href, state, nonce, redirectUri, ...(codeVerifier !== undefined && { codeVerifier }) };
}

/**
 * Finishes a login: checks that the callback answers it, exchanges the code for a token, and verifies the ID token.
 *
 * It keeps no record of what was used. Delete `pending` from the session before the call, so that it is used once. The
 * code is sent once, even after a network fault.
 *
 * A login that asked for `openid` needs an ID token in the answer. Its nonce proves that the code belongs to this login.
 * A login without `openid` and without PKCE has no such proof: an attacker who puts a code of their own into this
 * callback signs the browser in to the attacker's account.
 *
 * @param callback The URL that the user came back to, or its query.
 * @param pending The result of {@link startAuthorization}, also after a round trip through JSON.
 * @returns The token, and the claims of its ID token, frozen.
 * @throws TypeError (rejection) for a `pending` or a `callback` that cannot be one.
 * @throws TalkdeskError (rejection)
 * - `state_mismatch`: the callback belongs to another login, or to no login.
 * - `authorization_denied`: the user, or a rule of the account, denied the login.
 * - `authorization_failed`: the callback has another error, or the code was refused.
 * - `nonce_mismatch`: the ID token, and so the code, belongs to another login.
 * - `id_token_invalid`: the ID token is missing although `openid` was asked for, or it cannot be trusted; with
 *   `retryable: true` when the keys could not be read, so that a new login may succeed.
 * - The codes of {@link requestToken}, never retryable.
 * @example
 * const { pending } = browserSession;
 * if (pending === undefined) throw new Error("This browser has begun no login.");
 * delete browserSession.pending;
 * const { token, claims } = await finishAuthorization(client, request.url, pending);
 * @see RFC 6749 §4.1.2 and §4.1.3, RFC 9207, OpenID Connect Core §3.1.3.7
 */
export async function finishAuthorization(
  client: TalkdeskClient,
  callback: URL | URLSearchParams | string,
  pending: PendingAuthorization,
  options: FinishAuthorizationOptions = {},
): Promise<{ readonly token: AccessToken; readonly claims?: IdTokenClaims }> {
  checkLoginClient(client);
  const { clientId } = client.authentication;
  const login = checkPending(pending);
  const { state, nonce, redirectUri, codeVerifier } = login;
  const { signal } = options;
  const { issuers = [new URL(client.endpoints.authorize).origin, COMMON_ISSUER] } = options;
  checkIssuers(issuers);
  const parameters = parseCallback(callback);
  const secrets = [state, nonce, codeVerifier ?? "", ...parameters.getAll("code")];
  const mask = createMask(new Headers(), new URLSearchParams(), secrets);
  const code = readAuthorizationCode(parameters, { state, issuers, mask });

  const token = await exchangeCode(
    client,
    authorizationCodeRequest({
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUri,
      code_verifier: codeVerifier,
    }),
    signal,
    secrets,
  );
  if (token.idToken === undefined) {
    if (asksForIdToken(login)) throw missingIdToken();
    return { token };
  }
  return { token, claims: await verifyIdToken(client, token.idToken, { clientId, nonce, issuers, signal }) };
}

async function exchangeCode(
  client: TalkdeskClient,
  request: GrantRequest,
  signal: AbortSignal | undefined,
  secrets: readonly string[],
): Promise<AccessToken> {
  try {
    return (await exchange(client, request, { signal, alsoSecret: secrets })).token;
  } catch (error) {
    if (!isTalkdeskError(error)) throw error;
    const { status, errorDescription, hints } = error;
    if (error.error !== "invalid_grant") throw copyError(error, { retryable: false });
    throw new TalkdeskError(
      "authorization_failed",
      "The code has expired, was used already, or belongs to another redirect URI or client; start again.",
      { status, error: error.error, errorDescription, hints },
    );
  }
}

function checkExtra(extra: unknown): Record<string, string> {
  if (typeof extra !== "object" || extra === null) throw new TypeError("extra must be an object.");
  for (const [name, value] of Object.entries(extra)) {
    if (OWN_PARAMETERS.has(name.toLowerCase())) {
      throw new TypeError(`extra must not name ${name}, which is a parameter of the protocol itself.`);
    }
    if (typeof value !== "string") throw new TypeError("extra must hold strings.");
  }
  return extra as Record<string, string>;
}

const asksForIdToken = ({ url }: PendingAuthorization): boolean =>
  new URL(url).searchParams.get("scope")?.split(" ").includes("openid") === true;

function checkPending(pending: unknown): PendingAuthorization {
  const fault = new TypeError(
    "pending must be what startAuthorization gave, unchanged and whole, its url included.",
  );
  if (typeof pending !== "object" || pending === null) throw fault;
  const { url, state, nonce, redirectUri, codeVerifier } = pending as Record<string, unknown>;
  for (const text of [state, nonce, ...(codeVerifier === undefined ? [] : [codeVerifier])]) {
    if (typeof text !== "string" || text === "") throw fault;
  }
  if (typeof url !== "string" || parseUrl(url) === undefined) throw fault;
  checkRedirectUri(redirectUri);
  return pending as PendingAuthorization;
}

function drawRandomText(): string {
  return encodeBase64url(crypto.getRandomValues(new Uint8Array(32)));
}

async function deriveChallenge(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return encodeBase64url(new Uint8Array(digest));
}
