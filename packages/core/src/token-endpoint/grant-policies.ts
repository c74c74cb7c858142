import type { TalkdeskError, TalkdeskErrorCode } from "../base/errors.js";
import type { Grant } from "../token/grant.js";

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
  /** Whether the grant asks for a token that is sent without a scheme. */
  readonly asksForOpaqueToken: (grant: Grant) => boolean;
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

/**
 * The policies, one for each grant.
 * @see RFC 6749 §4.1.2 (a code is used once), RFC 9700 §4.14 (refresh token rotation)
 * @internal
 */
export const GRANT_POLICIES: Readonly<Record<Grant["grant_type"], GrantPolicy>> = {
  client_credentials: {
    isRepeatable: true,
    isRepeatedWhenUnavailable: true,
    leastAnswerMs: () => 0,
    lateCode: "token_timeout",
    mayRefuseAssertion: ({ code, error }) => code === "client_refused" && error !== "unauthorized_client",
    asksForOpaqueToken: (grant) => "token_type" in grant && grant.token_type === "opaque",
  },
  authorization_code: {
    isRepeatable: false,
    isRepeatedWhenUnavailable: false,
    leastAnswerMs: () => 0,
    lateCode: "token_timeout",
    mayRefuseAssertion: isClientUnknown,
    asksForOpaqueToken: () => false,
  },
  refresh_token: {
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
    asksForOpaqueToken: () => false,
  },
};
