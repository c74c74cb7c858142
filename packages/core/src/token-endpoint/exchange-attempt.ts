import { type Instant, platformClock, readInstant } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import type { Deadline } from "../base/deadline.js";
import { copyError, isTalkdeskError, reduceCause, TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";
import { measureOffsetMs } from "./clock-offset.js";
import type { GrantPolicy, GrantRequest } from "./grant-request.js";
import { type Exchanged, explainRefusal } from "./refusal-hints.js";
import { sendRequest } from "./send-request.js";
import { createMask } from "./sent-secrets.js";
import { noteOwner, ownerOf } from "./token-owner.js";
import { readTokenResponse, type TokenResponse } from "./token-response.js";

/**
 * The input of one attempt: one request and its answer. A token call may consist of several attempts.
 * @internal
 */
export interface Attempt {
  readonly client: TalkdeskClient;
  readonly request: GrantRequest;
  readonly limit: Deadline;
  /** How far the server's clock is taken to be ahead, in milliseconds. */
  readonly offsetMs: number;
  /** Secrets that the server knows although the request does not contain them. */
  readonly alsoSecret: readonly string[];
  /** Called just before the request is sent. False when it may not be sent any more. */
  readonly maySend: () => boolean;
  /** Waits for the answer to a request that was sent. Default: `limit` ends that as well. */
  readonly patience?: AnswerPatience | undefined;
}

/**
 * How long an answer is waited for that is worth more than the call that sent its request.
 * @internal
 */
export interface AnswerPatience {
  readonly limit: Deadline;
  /** True while a request is under way. */
  isAwaiting: boolean;
}

/**
 * A token, and the instant just before the request that was answered with it.
 * @internal
 */
export interface ReceivedToken {
  readonly token: AccessToken;
  readonly sentAt: Instant;
}

/**
 * An attempt that brought no token.
 * @internal
 */
export interface FailedAttempt {
  readonly error: TalkdeskError;
  /** Whether the same request may be sent again. */
  readonly mayRepeat: boolean;
  /** How long the server asks to wait, in milliseconds. */
  readonly waitMs?: number | undefined;
  /** How far the server's clock is ahead, in milliseconds, where it may have refused the assertion for its time. */
  readonly offsetMs?: number | undefined;
}

/**
 * Makes one request and reads its answer. A failure is a result, not a rejection.
 *
 * @throws (rejection)
 * - The reason of the caller's signal, when it aborts.
 * - The error of a framework that controls its own rendering ({@link isControlFlow}).
 * @internal
 */
export async function attemptExchange(
  attempt: Attempt,
  body: URLSearchParams,
): Promise<ReceivedToken | FailedAttempt> {
  const { client, limit, patience } = attempt;
  const { grant, policy } = attempt.request;
  if (limit.isPast) return { error: lateBeforeSending(policy, client), mayRepeat: false };
  const clock = client.clock ?? platformClock;
  const headers = new Headers({
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  try {
    const { authentication, endpoints } = client;
    const proof = authentication({ endpoints, headers, body, now: clock.now() + attempt.offsetMs });
    await limit.race(Promise.resolve(proof));
  } catch (error) {
    if ((!limit.isPast && limit.signal.aborted) || isControlFlow(error)) throw error;
    return { error: credentialsUnavailable(error, limit), mayRepeat: false };
  }

  if (!attempt.maySend()) return { error: notSent(), mayRepeat: false };
  if (limit.remainingMs() < policy.leastAnswerMs(client.timeoutMs)) {
    return { error: lateBeforeSending(policy, client), mayRepeat: false };
  }
  const mask = createMask(headers, body, attempt.alsoSecret);
  const sentAt = readInstant(clock);
  let response: TokenResponse;
  const progress = { hasBegun: false };
  const answerLimit = patience?.limit ?? limit;
  try {
    if (patience !== undefined) patience.isAwaiting = true;
    response = await answerLimit.race(
      sendRequest(client, headers, body, { limit: answerLimit, mask, progress }),
    );
  } catch (error) {
    if ((!answerLimit.isPast && answerLimit.signal.aborted) || isControlFlow(error)) throw error;
    if (isTalkdeskError(error)) return { error, mayRepeat: false };
    return failUnanswered(attempt, error, mask, progress.hasBegun);
  } finally {
    if (patience !== undefined) patience.isAwaiting = false;
  }

  try {
    const token = readTokenResponse(response, { requestedAt: sentAt.wall, grant }, mask, credentialsIn(body));
    noteOwner(token, ownerOf(client));
    return { token, sentAt };
  } catch (error) {
    if (!isTalkdeskError(error)) throw error;
    return failRefused(attempt, error, {
      headers,
      body,
      response,
      sentAt: sentAt.wall,
      now: clock.now(),
      offsetMs: attempt.offsetMs,
    });
  }
}

/** Names the host in the message of a parsed answer, so that a program with many accounts sees which one it is about. */
const nameEndpoint = (message: string, { endpoints }: TalkdeskClient): string =>
  message.replace("The token endpoint ", () => `The token endpoint ${new URL(endpoints.token).host} `);

/** What proves the client in a request, as a person who configured it knows it. */
function credentialsIn(body: URLSearchParams): string {
  if (body.has("client_assertion")) return "client id, key id and algorithm";
  return body.has("client_id") ? "client id" : "client id and secret";
}

/** The error for a call whose time ran out before anything could be sent. */
function lateBeforeSending(
  { lateCode, isRepeatable }: GrantPolicy,
  { timeoutMs }: TalkdeskClient,
): TalkdeskError {
  return new TalkdeskError(
    lateCode,
    `The time of ${timeoutMs} ms ran out before the token request could be sent; check the steps before it, such as the store of tokens, or raise timeoutMs.`,
    { retryable: isRepeatable },
  );
}

function credentialsUnavailable(error: unknown, limit: Deadline): TalkdeskError {
  // Any other TalkdeskError came from a call that the provider made, and says nothing about this one.
  if (isTalkdeskError(error) && error.code === "credentials_unavailable") return error;
  return new TalkdeskError(
    "credentials_unavailable",
    limit.isPast
      ? "The client's credentials were not provided in time; check the function that looks them up."
      : "The client's credentials could not be provided; check the function that looks them up.",
    // Without the message, which may quote what was looked up.
    { cause: { name: reduceCause(error)?.name, code: reduceCause(error)?.code, message: "" } },
  );
}

const notSent = (): TalkdeskError =>
  new TalkdeskError(
    "token_network",
    "The process was stopped for so long that another process may have renewed the token; nothing was sent, so ask again.",
  );

/** The failure for an answer without a token. */
function failRefused(
  { client, request }: Attempt,
  error: TalkdeskError,
  exchanged: Exchanged,
): FailedAttempt {
  const { body, response, sentAt, now, offsetMs } = exchanged;
  const { isRepeatable, isRepeatedWhenUnavailable, mayRefuseAssertion } = request.policy;
  const waitMs = error.retryAt === undefined ? undefined : error.retryAt - sentAt;
  const errorByMs =
    body.has("client_assertion") && mayRefuseAssertion(error)
      ? measureOffsetMs(response.headers, sentAt + offsetMs, now + offsetMs)
      : undefined;
  return {
    error: copyError(error, {
      message: nameEndpoint(error.message, client),
      hints: explainRefusal(error, client, request.grant, exchanged),
      retryAt: waitMs === undefined ? undefined : now + waitMs,
      retryable: error.retryable && isRepeatable,
    }),
    mayRepeat: isRepeatedWhenUnavailable && error.code === "token_unavailable",
    waitMs,
    offsetMs: errorByMs === undefined ? undefined : offsetMs + errorByMs,
  };
}

/** Codes of a connection that was never made: nothing was sent. */
const NEVER_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EAI_FAIL",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EADDRNOTAVAIL",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Codes with which Node refuses a certificate. Asking again will not change that. */
const CERTIFICATE_REFUSED =
  /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|^ERR_TLS_|^ERR_SSL_|HOSTNAME_MISMATCH|^EPROTO$/;

/** The failure for an answer that did not come, or broke off. */
function failUnanswered(
  { client, request, limit }: Attempt,
  error: unknown,
  mask: (text: string) => string,
  hasBegun: boolean,
): FailedAttempt {
  const { lostAnswer, isRepeatable } = request.policy;
  const cause = reduceCause(error, mask);
  const code = cause?.code ?? "";
  const isCertificate = CERTIFICATE_REFUSED.test(code);
  const wasSent = hasBegun || !(NEVER_SENT.has(code) || isCertificate);
  const address = client.endpoints.token;

  if (lostAnswer !== undefined && wasSent) {
    const message = hasBegun ? lostAnswer.brokenOff : lostAnswer.noAnswer;
    return { error: new TalkdeskError(lostAnswer.code, message, { cause }), mayRepeat: !hasBegun };
  }
  const retryable = isRepeatable && !isCertificate;
  if (limit.isPast) {
    return {
      error: new TalkdeskError(
        "token_timeout",
        `The token endpoint ${address} did not answer within ${client.timeoutMs} ms; check the network, or raise timeoutMs.`,
        { retryable, cause },
      ),
      mayRepeat: false,
    };
  }
  const named = code === "" ? "" : ` (${code})`;
  return {
    error: new TalkdeskError(
      "token_network",
      isCertificate
        ? `The certificate of the token endpoint ${address} was refused${named}; check for a proxy that replaces certificates.`
        : `The token endpoint ${address} could not be reached${named}; check account, region and the network.`,
      { retryable, cause },
    ),
    mayRepeat: retryable,
  };
}
