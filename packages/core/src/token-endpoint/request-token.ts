import { boundedBody, DamagedBody, dropBody, UnreadableBody } from "../base/bounded-body.js";
import { type Instant, instant, platformClock } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { type Deadline, deadline } from "../base/deadline.js";
import {
  copyOfError,
  isTalkdeskError,
  reducedCause,
  TalkdeskError,
  type TalkdeskErrorOptions,
} from "../base/errors.js";
import { type FetchFunction, type FetchResponse, noStore } from "../base/fetch-function.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";
import { type Grant, grantParameters } from "../token/grant.js";
import { clockOffsetMs, learnOffset, learntOffsetMs } from "./clock-offset.js";
import { type Exchanged, refusalHints } from "./refusal-hints.js";
import { maskOf } from "./sent-secrets.js";
import { noteOwner, ownerOf } from "./token-owner.js";
import {
  isUnavailable,
  MAX_RESPONSE_BYTES,
  readTokenResponse,
  responseTooLarge,
  type TokenResponse,
} from "./token-response.js";

/** The most that one call sends: the first attempt and three more. */
const MAX_ATTEMPTS = 4;

/** Waits between attempts: full jitter below a bound that begins at `first` and doubles up to `most`, in milliseconds. */
const BACKOFF_MS = { first: 250, most: 2_000 };

/**
 * Asks the token endpoint once for a token: the one function that sends to it.
 *
 * Asks for no cached answer, never follows a redirect, reads at most 262 144 bytes, and takes at most `client.timeoutMs`
 * in all; time in which the process was stopped does not count. What is safe is tried again, up to three times, after
 * jittered waits or as long as `Retry-After` says: `client_credentials` after a network fault (not one of certificate
 * verification), 429 and 5xx; a refresh token when nothing was sent, and once more with the same token when no answer
 * began; an authorization code never. An answer that came and cannot be read is not asked for again. A request with a
 * signed assertion is also sent once more, whatever the grant, when the client was refused and the answer's `Date` is
 * more than 30 s off: with an assertion that goes by the server's clock. When that helps, how far the clocks differ
 * stays with the client, for its later assertions; nothing else is kept between calls.
 *
 * What a framework's own `fetch` throws to steer itself, as Next does, passes through as it is.
 *
 * @param options.signal Ends the call; it then rejects with the signal's own reason.
 * @returns A promise that rejects with
 *   - a `TypeError` for a grant that cannot be asked for, before anything is sent;
 *   - a {@link TalkdeskError}: `token_network`, `token_timeout`, `credentials_unavailable`, `refresh_outcome_unknown`
 *     (a refresh token was sent and no answer came, whatever came of the second try), or one of those of
 *     {@link parseTokenResponse}. Whatever was sent in secret is masked where the answer repeats it, in runs of eight
 *     characters and more; `hints` name what could be checked locally.
 * @see RFC 6749 §3.2; RFC 9700 §4.11 (redirects)
 */
export async function requestToken(
  client: TalkdeskClient,
  grant: Grant,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AccessToken> {
  checkClient(client);
  const { signal } = options;
  return (await exchange(client, grant, { signal })).token;
}

/**
 * What belongs to one exchange beside its client and its grant.
 * @internal
 */
export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** The limit of the call that this is a part of. Default: one of its own, by `client.timeoutMs` and `signal`. */
  readonly limit?: Deadline;
  /** What the server knows although this request does not hold it; masked like what was sent. */
  readonly alsoSecret?: readonly string[];
  /** Asked before each sending: false once whatever gave the right to send is over, as a lock that ran out. */
  readonly maySend?: () => boolean;
}

/**
 * {@link requestToken} with the instant, on both clocks, just before the request that was answered.
 * @internal
 */
export async function exchange(
  client: TalkdeskClient,
  grant: Grant,
  options: ExchangeOptions = {},
): Promise<{ readonly token: AccessToken; readonly sentAt: Instant }> {
  const { signal, alsoSecret = [], maySend = () => true } = options;
  const parameters = grantParameters(grant);
  signal?.throwIfAborted();
  const limit = options.limit ?? deadline(client.timeoutMs, signal, client.clock);
  let unanswered: TalkdeskError | undefined;
  let offsetMs = learntOffsetMs(client);
  let isClockCorrected = false;
  try {
    for (let attempts = 1; ; attempts++) {
      const answer = await attempt(
        { client, grant, limit, offsetMs, alsoSecret, maySend },
        new URLSearchParams(parameters),
      );
      if (!("error" in answer)) {
        if (isClockCorrected) learnOffset(client, offsetMs);
        return answer;
      }
      const mayCorrectClock = !isClockCorrected && attempts < MAX_ATTEMPTS && !limit.isPast;
      if (answer.offsetMs !== undefined && mayCorrectClock) {
        offsetMs = answer.offsetMs;
        isClockCorrected = true;
        continue;
      }
      const isUnknown = answer.error.code === "refresh_outcome_unknown";
      const wasTwiceUnanswered = isUnknown && unanswered !== undefined;
      if (isUnknown) unanswered = answer.error;
      const error = unanswered === undefined ? answer.error : stillUnknown(unanswered, answer.error);
      if (limit.isPast || wasTwiceUnanswered || !answer.mayRepeat(attempts)) throw error;
      const delayMs = answer.waitMs ?? backoffMs(client, attempts);
      if (delayMs >= limit.remainingMs()) throw error;
      await limit.wait(delayMs).catch((reason: unknown) => {
        // The timer of the deadline may be ahead of the clock that `remainingMs` goes by.
        throw limit.isPast ? error : reason;
      });
    }
  } catch (error) {
    if (signal?.aborted && !isTalkdeskError(error)) throw signal.reason;
    throw error;
  } finally {
    if (options.limit === undefined) limit.clear();
  }
}

/**
 * What is to be said once a refresh token was sent without an answer: whatever failed afterwards, `invalid_grant`
 * too, tells nothing about whether that one was replaced.
 */
function stillUnknown(unanswered: TalkdeskError, latest: TalkdeskError): TalkdeskError {
  const { retryAt, status, error, errorDescription, hints } = latest;
  const said = { retryAt, status, error, errorDescription, hints };
  return copyOfError(unanswered, said as TalkdeskErrorOptions);
}

function backoffMs(client: TalkdeskClient, attempts: number): number {
  const random = client.random ?? Math.random;
  return random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** (attempts - 1));
}

interface Call {
  readonly client: TalkdeskClient;
  readonly grant: Grant;
  readonly limit: Deadline;
  /** How far the server's clock is taken to be ahead. */
  readonly offsetMs: number;
  readonly alsoSecret: readonly string[];
  readonly maySend: () => boolean;
}

interface Failure {
  readonly error: TalkdeskError;
  /** Whether the same request may be sent again, after this many attempts. */
  mayRepeat(attempts: number): boolean;
  /** How long the server asked to wait. */
  readonly waitMs?: number;
  /** How far the server's clock turned out to be ahead, where an assertion that went by another may be what it refused. */
  readonly offsetMs?: number;
}

/** One request and its answer. Rejects only when a caller's patience ends. */
async function attempt(
  call: Call,
  body: URLSearchParams,
): Promise<{ readonly token: AccessToken; readonly sentAt: Instant } | Failure> {
  const { client, grant, limit } = call;
  if (limit.isPast) return { error: lateBefore(grant, client), mayRepeat: () => false };
  const clock = client.clock ?? platformClock;
  const headers = new Headers({
    accept: "application/json",
    "content-type": "application/x-www-form-urlencoded",
  });
  try {
    const { authentication, endpoints } = client;
    const proof = authentication({ endpoints, headers, body, now: clock.now() + call.offsetMs });
    await limit.race(Promise.resolve(proof));
  } catch (error) {
    if ((!limit.isPast && limit.signal.aborted) || isControlFlow(error)) throw error;
    return { error: withoutCredentials(error, limit), mayRepeat: () => false };
  }

  if (!call.maySend()) return { error: notSent(), mayRepeat: () => false };
  const mask = maskOf(headers, body, call.alsoSecret);
  const sentAt = instant(clock);
  let response: TokenResponse;
  const progress = { hasBegun: false };
  try {
    response = await limit.race(send(client, headers, body, { limit, mask, progress }));
  } catch (error) {
    if ((!limit.isPast && limit.signal.aborted) || isControlFlow(error)) throw error;
    if (isTalkdeskError(error)) return { error, mayRepeat: () => false };
    return unanswered(call, error, mask, progress.hasBegun);
  }

  try {
    const token = readTokenResponse(response, { requestedAt: sentAt.wall, grant }, mask);
    noteOwner(token, ownerOf(client));
    return { token, sentAt };
  } catch (error) {
    if (!isTalkdeskError(error)) throw error;
    const now = clock.now();
    return refused(call, error, { headers, body, response, sentAt: sentAt.wall, now });
  }
}

/** An answer that is not a token. */
function refused(
  { client, grant, offsetMs }: Call,
  error: TalkdeskError,
  exchanged: Omit<Exchanged, "offsetMs">,
): Failure {
  const { body, response, sentAt, now } = exchanged;
  const waitMs = error.retryAt === undefined ? undefined : error.retryAt - sentAt;
  const errorByMs =
    body.has("client_assertion") && mayBeAssertion(error, grant)
      ? clockOffsetMs(response.headers, sentAt + offsetMs, now + offsetMs)
      : undefined;
  return {
    error: copyOfError(error, {
      hints: refusalHints(error, client, grant, { ...exchanged, offsetMs }),
      ...(waitMs !== undefined && { retryAt: now + waitMs }),
      ...(grant.grant_type === "authorization_code" && { retryable: false }),
    }),
    mayRepeat: (attempts) =>
      error.code === "token_unavailable" &&
      grant.grant_type === "client_credentials" &&
      attempts < MAX_ATTEMPTS,
    ...(waitMs !== undefined && { waitMs }),
    ...(errorByMs !== undefined && { offsetMs: offsetMs + errorByMs }),
  };
}

/**
 * Whether it may be the assertion that was refused. A code or a refresh token is as good as before only where the answer
 * says that the client was not even let in (RFC 7523 §3.2).
 */
const mayBeAssertion = ({ code, error }: TalkdeskError, { grant_type }: Grant): boolean =>
  grant_type === "client_credentials"
    ? code === "client_refused" && error !== "unauthorized_client"
    : error === "invalid_client";

function withoutCredentials(error: unknown, limit: Deadline): TalkdeskError {
  // Any other of ours came from a call that the provider made, and says nothing about this one.
  if (isTalkdeskError(error) && error.code === "credentials_unavailable") return error;
  return new TalkdeskError(
    "credentials_unavailable",
    limit.isPast
      ? "The client's credentials were not provided in time; check the function that looks them up."
      : "The client's credentials could not be provided; check the function that looks them up.",
    // Not its message: it may quote what was looked up.
    { cause: { name: reducedCause(error)?.name, code: reducedCause(error)?.code, message: "" } },
  );
}

/** The time was up before there was anything to send. A refresh token that was not sent is as good as before. */
const lateBefore = ({ grant_type }: Grant, { timeoutMs }: TalkdeskClient): TalkdeskError =>
  new TalkdeskError(
    grant_type === "refresh_token" ? "token_network" : "token_timeout",
    `The time of ${timeoutMs} ms ran out before the token request could be sent; check the steps before it, such as the store of tokens, or raise timeoutMs.`,
    { retryable: grant_type !== "authorization_code" },
  );

const notSent = (): TalkdeskError =>
  new TalkdeskError(
    "token_network",
    "The process was stopped for so long that another process may have renewed the token; nothing was sent, so ask again.",
  );

interface Sending {
  readonly limit: Deadline;
  readonly mask: (text: string) => string;
  /** Whether an answer has begun: the request was dealt with, whatever becomes of the rest. */
  readonly progress: { hasBegun: boolean };
}

async function send(
  client: TalkdeskClient,
  headers: Headers,
  body: URLSearchParams,
  { limit, mask, progress }: Sending,
): Promise<TokenResponse> {
  const fetch: FetchFunction = client.fetch ?? globalThis.fetch;
  const response = await fetch(client.endpoints.token, {
    method: "POST",
    headers,
    body: body.toString(),
    redirect: "manual",
    signal: limit.signal,
    ...noStore(),
  });
  progress.hasBegun = true;
  const { status } = response;
  if (response.redirected) {
    // A fetch that was passed in and follows all the same: the credentials may have gone elsewhere.
    dropBody(response);
    throw new TalkdeskError(
      "token_unexpected_response",
      'The fetch that sends token requests followed a redirect; it must honour redirect: "manual".',
    );
  }
  const answered = headersOf(response);
  // A browser's fetch hides what it did not follow.
  if (response.type === "opaqueredirect") return { status: 302, headers: answered, body: new Uint8Array() };
  try {
    const answer = await boundedBody(response, MAX_RESPONSE_BYTES);
    if (answer === undefined) throw responseTooLarge(status);
    return { status, headers: answered, body: answer };
  } catch (error) {
    if (limit.signal.aborted || isTalkdeskError(error)) throw error;
    // Whatever such an answer carries, it says "later".
    if (isUnavailable(status)) return { status, headers: answered, body: new Uint8Array() };
    if (!(error instanceof UnreadableBody)) throw error;
    throw new TalkdeskError(
      status === 200 && error instanceof DamagedBody ? "token_malformed" : "token_unexpected_response",
      `The token endpoint answered ${status}, but its body ${error.message}; check the fetch that sends token requests, and any proxy.`,
      { status, cause: reducedCause(error.cause, mask) },
    );
  }
}

/** The headers of a response of any `fetch`; a test's double may have a plain object, or none. */
function headersOf({ headers }: FetchResponse): Headers {
  const given: unknown = headers;
  if (typeof (given as Partial<Headers> | undefined)?.get === "function") return given as Headers;
  return new Headers((given ?? {}) as Record<string, string>);
}

/** Faults of a connection that was never made: nothing was sent. */
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

/** Codes with which Node refuses a certificate. Asking again will not change it. */
const CERTIFICATE_REFUSED =
  /CERT|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY)|^ERR_TLS_|^ERR_SSL_|HOSTNAME_MISMATCH|^EPROTO$/;

function unanswered(
  { client, grant, limit }: Call,
  error: unknown,
  mask: (text: string) => string,
  hasBegun: boolean,
): Failure {
  const cause = reducedCause(error, mask);
  const code = cause?.code ?? "";
  const isCertificate = CERTIFICATE_REFUSED.test(code);
  const wasSent = hasBegun || !(NEVER_SENT.has(code) || isCertificate);
  const address = client.endpoints.token;

  if (grant.grant_type === "refresh_token" && wasSent) {
    return {
      error: new TalkdeskError(
        "refresh_outcome_unknown",
        hasBegun
          ? "A refresh token was sent and the answer broke off, so it was probably replaced by one that never arrived; ask again, and log the user in again if that fails."
          : "A refresh token was sent and no answer came, so it may or may not have been replaced; ask again with the same one.",
        { cause },
      ),
      // An answer had begun: what it said of the old one is done.
      mayRepeat: (attempts) => !hasBegun && attempts < MAX_ATTEMPTS,
    };
  }
  const retryable = grant.grant_type !== "authorization_code" && !isCertificate;
  if (limit.isPast) {
    return {
      error: new TalkdeskError(
        "token_timeout",
        `The token endpoint ${address} did not answer within ${client.timeoutMs} ms; check the network, or raise timeoutMs.`,
        { retryable, cause },
      ),
      mayRepeat: () => false,
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
    mayRepeat: (attempts) => retryable && attempts < MAX_ATTEMPTS,
  };
}
