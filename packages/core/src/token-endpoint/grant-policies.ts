import type { TalkdeskError, TalkdeskErrorCode } from "../base/errors.js";
import type { Grant } from "../token/grant.js";

/**
 * What may be done when a request of one grant fails, and what the failure means.
 * @internal
 */
export interface GrantPolicy {
  /**
   * True where the same request may be made again. It is then repeated after a network fault, and errors say `retryable`
   * as their code does. False for a code, which is good for one request whatever becomes of it.
   */
  readonly isRepeatable: boolean;
  /** True where the request is repeated after 429 and 5xx too. */
  readonly isRepeatedWhenUnavailable: boolean;
  /**
   * What is reported when the request was sent and its answer was lost. Absent where a lost answer costs nothing: it is
   * then a network fault like any other.
   */
  readonly lostAnswer?: LostAnswer;
  /** The code for a call whose time ran out before anything was sent. */
  readonly lateCode: TalkdeskErrorCode;
  /** Whether this refusal may be about the client's assertion, so that a new assertion may be accepted. */
  readonly mayRefuseAssertion: (refusal: TalkdeskError) => boolean;
  /** Whether the grant asks for a token that is sent without a scheme. */
  readonly asksForOpaqueToken: (grant: Grant) => boolean;
}

/**
 * The error for an answer that was lost.
 * @internal
 */
export interface LostAnswer {
  readonly code: TalkdeskErrorCode;
  /** The message where no answer came. The request is then repeated. */
  readonly noAnswer: string;
  /** The message where an answer began and broke off. The server has dealt with the request, so it is not repeated. */
  readonly brokenOff: string;
}

/** The client was not even let in, so the code or refresh token beside the assertion is still good (RFC 7523 §3.2). */
const isClientUnknown = ({ error }: TalkdeskError): boolean => error === "invalid_client";

/**
 * One row for each grant.
 * @internal
 */
export const GRANT_POLICIES: Readonly<Record<Grant["grant_type"], GrantPolicy>> = {
  client_credentials: {
    isRepeatable: true,
    isRepeatedWhenUnavailable: true,
    lateCode: "token_timeout",
    mayRefuseAssertion: ({ code, error }) => code === "client_refused" && error !== "unauthorized_client",
    asksForOpaqueToken: (grant) => "token_type" in grant && grant.token_type === "opaque",
  },
  authorization_code: {
    isRepeatable: false,
    isRepeatedWhenUnavailable: false,
    lateCode: "token_timeout",
    mayRefuseAssertion: isClientUnknown,
    asksForOpaqueToken: () => false,
  },
  refresh_token: {
    isRepeatable: true,
    // The server may have replaced the token before it failed; the session decides what is sent next.
    isRepeatedWhenUnavailable: false,
    lostAnswer: {
      code: "refresh_outcome_unknown",
      noAnswer:
        "A refresh token was sent and no answer came, so it may or may not have been replaced; ask again with the same one.",
      brokenOff:
        "A refresh token was sent and the answer broke off, so it was probably replaced by one that never arrived; ask again, and log the user in again if that fails.",
    },
    // Not "token_timeout", which leaves open whether the token was sent.
    lateCode: "token_network",
    mayRefuseAssertion: isClientUnknown,
    asksForOpaqueToken: () => false,
  },
};
