import type { TalkdeskError, TalkdeskErrorCode } from "../base/errors.js";
import { type Grant, type Scope, SERVICE_TOKEN_SECONDS, splitScope } from "../token/grant.js";

/**
 * A grant, ready to be sent: its parameters, and what follows when its request fails. Each grant has a function that
 * makes one, so that a program contains only those that it uses.
 * @internal
 */
export interface GrantRequest {
  readonly grant: Grant;
  /** The form parameters: those of the grant, in the order of its type, and no other members of the object. */
  readonly parameters: URLSearchParams;
  readonly policy: GrantPolicy;
}

/**
 * What follows when a request of one grant fails, and what the failure means.
 * @internal
 */
export interface GrantPolicy {
  /**
   * True for a grant whose request may be made again. It is then repeated after a network fault, and an error is
   * `retryable` as its code says. False for an authorization code, which may be sent once.
   */
  readonly isRepeatable: boolean;
  /** True for a grant whose request is also repeated after 429 and 5xx. */
  readonly isRepeatedWhenUnavailable: boolean;
  /** The error for a request that was sent and whose answer was lost. Default: a network fault like any other. */
  readonly lostAnswer?: LostAnswer;
  /** How much time a call must have left for its request to be sent, given its whole time. Both in milliseconds. */
  readonly leastAnswerMs: (timeoutMs: number) => number;
  /** The code of the error for a call whose time ran out before anything was sent. */
  readonly lateCode: TalkdeskErrorCode;
  /** Whether this refusal may be about the time in the client's assertion, so that a new assertion may be accepted. */
  readonly mayRefuseAssertion: (refusal: TalkdeskError) => boolean;
}

/** The error for an answer that was lost. */
interface LostAnswer {
  readonly code: TalkdeskErrorCode;
  /** The message where no answer came. The request is then repeated. */
  readonly noAnswer: string;
  /** The message where an answer began and broke off. The server has handled the request, so it is not repeated. */
  readonly brokenOff: string;
}

/**
 * True when the server refused the client (`invalid_client`). It then has not used up the code or refresh token, so a new
 * assertion may be sent (RFC 7523 §3.2).
 */
const isClientUnknown = ({ error }: TalkdeskError): boolean => error === "invalid_client";

/** A grant that can be requested any number of times. */
const REPEATABLE: GrantPolicy = {
  isRepeatable: true,
  isRepeatedWhenUnavailable: true,
  leastAnswerMs: () => 0,
  lateCode: "token_timeout",
  mayRefuseAssertion: ({ code, error }) => code === "client_refused" && error !== "unauthorized_client",
};

/**
 * Prepares a request for a token of the client itself.
 *
 * @throws
 * - TypeError: the scope cannot be requested.
 * @see RFC 6749 §4.4.2
 * @internal
 */
export function clientCredentialsRequest(scope?: Scope): GrantRequest {
  const parameters = new URLSearchParams({ grant_type: "client_credentials" });
  addScope(parameters, scope);
  return { grant: { grant_type: "client_credentials", scope }, parameters, policy: REPEATABLE };
}

/**
 * Prepares a request for a service token.
 *
 * @throws
 * - TypeError: the scope or the lifetime cannot be requested.
 * @see Talkdesk, "Client Credentials - STS token"
 * @internal
 */
export function serviceTokenRequest(
  grant: Extract<Grant, { grant_type: "client_credentials" }>,
): GrantRequest {
  const { token_type, scope, expires_in } = grant;
  const parameters = new URLSearchParams({ grant_type: "client_credentials" });
  if (token_type !== undefined) {
    if (token_type !== "opaque") throw new TypeError('token_type must be "opaque" or absent.');
    parameters.set("token_type", token_type);
  }
  addScope(parameters, scope);
  if (expires_in !== undefined) {
    const { min, max } = SERVICE_TOKEN_SECONDS;
    if (token_type !== "opaque" || !Number.isInteger(expires_in)) {
      throw new TypeError("expires_in must be a whole number of seconds, and is for opaque tokens only.");
    }
    if (expires_in < min || expires_in > max) {
      throw new TypeError(`expires_in must be from ${min} (a day) to ${max} (a year) seconds.`);
    }
    parameters.set("expires_in", String(expires_in));
  }
  return { grant, parameters, policy: REPEATABLE };
}

/**
 * Prepares the request that redeems an authorization code, which may be sent once.
 *
 * @throws
 * - TypeError: a member is missing. The error does not repeat the secrets.
 * @see RFC 6749 §4.1.2 and §4.1.3
 * @internal
 */
export function authorizationCodeRequest(
  grant: Extract<Grant, { grant_type: "authorization_code" }>,
): GrantRequest {
  const parameters = new URLSearchParams({ grant_type: "authorization_code" });
  addText(parameters, "code", grant.code);
  addText(parameters, "redirect_uri", grant.redirect_uri);
  if (grant.code_verifier !== undefined) addText(parameters, "code_verifier", grant.code_verifier);
  return {
    grant,
    parameters,
    policy: {
      isRepeatable: false,
      isRepeatedWhenUnavailable: false,
      leastAnswerMs: () => 0,
      lateCode: "token_timeout",
      mayRefuseAssertion: isClientUnknown,
    },
  };
}

/**
 * Prepares the request for a token of a user's session. Its answer may replace the refresh token.
 *
 * @throws
 * - TypeError: the refresh token is missing, or the scope cannot be requested. The error does not repeat the secret.
 * @see RFC 6749 §6, RFC 9700 §4.14 (refresh token rotation)
 * @internal
 */
export function refreshRequest(grant: Extract<Grant, { grant_type: "refresh_token" }>): GrantRequest {
  const parameters = new URLSearchParams({ grant_type: "refresh_token" });
  addText(parameters, "refresh_token", grant.refresh_token);
  addScope(parameters, grant.scope);
  return { grant, parameters, policy: REFRESH };
}

const REFRESH: GrantPolicy = {
  isRepeatable: true,
  // The server may have replaced the refresh token before it failed, so the session decides what follows.
  isRepeatedWhenUnavailable: false,
  lostAnswer: {
    code: "refresh_outcome_unknown",
    noAnswer:
      "A refresh token was sent and no answer came, so it may or may not have been replaced; ask again with the same one.",
    brokenOff:
      "A refresh token was sent and the answer broke off, so it was probably replaced by one that never arrived; ask again, and log the user in again if that fails.",
  },
  // An answer that comes too late loses the session, so nothing is sent when too little time is left for one.
  leastAnswerMs: (timeoutMs) => Math.min(1_000, timeoutMs / 4),
  // `token_timeout` would leave open whether the refresh token was sent.
  lateCode: "token_network",
  mayRefuseAssertion: isClientUnknown,
};

/**
 * Prepares the request of any grant.
 *
 * @throws
 * - TypeError: the grant cannot be requested. The error does not repeat its secrets.
 * @internal
 */
export function grantRequest(grant: Grant): GrantRequest {
  switch (grant?.grant_type) {
    case "client_credentials":
      return serviceTokenRequest(grant);
    case "authorization_code":
      return authorizationCodeRequest(grant);
    case "refresh_token":
      return refreshRequest(grant);
    default:
      // Does not compile while a grant has no case above. At run time, a caller may give anything.
      grant satisfies never;
      throw new TypeError("grant_type must be client_credentials, authorization_code or refresh_token.");
  }
}

function addText(parameters: URLSearchParams, name: string, value: unknown): void {
  if (typeof value !== "string" || value === "")
    throw new TypeError(`${name} must be a string that is not empty.`);
  parameters.set(name, value);
}

function addScope(parameters: URLSearchParams, scope: Scope | undefined): void {
  if (scope !== undefined) parameters.set("scope", splitScope(scope).join(" "));
}
