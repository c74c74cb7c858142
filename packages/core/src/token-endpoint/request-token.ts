import { type Deadline, startDeadline } from "../base/deadline.js";
import { copyError, isTalkdeskError, type TalkdeskError } from "../base/errors.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";
import type { Grant } from "../token/grant.js";
import { learnOffset, recallOffsetMs } from "./clock-offset.js";
import { type AnswerPatience, attemptExchange, type ReceivedToken } from "./exchange-attempt.js";
import { type GrantRequest, grantRequest } from "./grant-request.js";

/** The most requests of one call: three repeats are enough for a fault that passes within `timeoutMs`. */
const MAX_ATTEMPTS = 4;

/** Waits between attempts, in milliseconds: full jitter below a bound that starts at `first` and doubles up to `most`. */
const BACKOFF_MS = { first: 250, most: 2_000 };

/**
 * Makes one token call, with repeats where they are safe. It keeps no token.
 *
 * The call takes at most `client.timeoutMs` milliseconds, not counting time in which the process was stopped. It asks
 * for no cached answer, follows no redirect, and reads at most 262 144 bytes.
 *
 * Up to three repeats follow, after jittered waits or as `Retry-After` says. Each grant's policy says when:
 *
 * - A grant that may be requested at any time, such as `client_credentials`: after a network fault (other than a refused
 *   certificate), 429 and 5xx.
 * - `refresh_token`: when nothing was sent; and once, with the same refresh token, when it was sent and no answer began.
 * - A grant that can be used once, such as `authorization_code`: never.
 * - Any grant with a signed assertion: once, when the client was refused and the answer's `Date` is more than 30 s off.
 *   The new assertion goes by the server's clock. When it is accepted, the client remembers the difference.
 *
 * An answer that has arrived and cannot be read is not requested again. An error that a framework's `fetch` throws to
 * control its own rendering, as Next's does, is passed on unchanged.
 *
 * @param options.signal Ends the call, which then rejects with the signal's reason.
 * @throws TypeError (rejection) for a grant that cannot be asked for; nothing is sent.
 * @throws TalkdeskError (rejection) Secrets that were sent are masked where the answer repeats them, in runs of eight
 *   characters and more. `hints` list possible causes.
 * - `token_network`: the token endpoint could not be reached.
 * - `token_timeout`: it did not answer in time.
 * - `credentials_unavailable`: the client's credentials could not be looked up.
 * - `refresh_outcome_unknown`: a refresh token was sent and its answer was lost.
 * - The codes of {@link parseTokenResponse}.
 * @example
 * const token = await requestToken(client, { grant_type: "client_credentials", scope: "users:read" });
 * @see RFC 6749 §3.2; RFC 9700 §4.11 (redirects)
 */
export async function requestToken(
  client: TalkdeskClient,
  grant: Grant,
  options: { readonly signal?: AbortSignal } = {},
): Promise<AccessToken> {
  checkClient(client);
  const { signal } = options;
  return (await exchange(client, grantRequest(grant), { signal })).token;
}

/**
 * Options of {@link exchange}.
 * @internal
 */
export interface ExchangeOptions {
  readonly signal?: AbortSignal | undefined;
  /** The deadline of the call that this is a part of. Default: a new one of `client.timeoutMs`, with `signal`. */
  readonly limit?: Deadline | undefined;
  /** Secrets that the server knows although the request does not contain them. They are masked too. */
  readonly alsoSecret?: readonly string[] | undefined;
  /** Called before each request. False when nothing may be sent any more, such as after a lock has run out. */
  readonly maySend?: (() => boolean) | undefined;
  /** Waits for an answer beyond the end of `limit`; then nothing more is sent. Default: the call ends with `limit`. */
  readonly patience?: AnswerPatience | undefined;
}

/**
 * Does what {@link requestToken} does, and returns the instant of the request as well.
 * @internal
 */
export async function exchange(
  client: TalkdeskClient,
  request: GrantRequest,
  options: ExchangeOptions = {},
): Promise<ReceivedToken> {
  const { signal, alsoSecret = [], maySend = () => true, patience } = options;
  const { lostAnswer } = request.policy;
  signal?.throwIfAborted();
  const limit = options.limit ?? startDeadline(client.timeoutMs, signal, client.clock);
  let lost: TalkdeskError | undefined;
  let offsetMs = recallOffsetMs(client);
  let isClockCorrected = false;
  try {
    for (let attempts = 1; ; attempts++) {
      const answer = await attemptExchange(
        { client, request, limit, offsetMs, alsoSecret, maySend, patience },
        new URLSearchParams(request.parameters),
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
      const isLost = answer.error.code === lostAnswer?.code;
      const wasTwiceLost = isLost && lost !== undefined;
      if (isLost) lost = answer.error;
      const error = lost === undefined ? answer.error : stillLost(lost, answer.error);
      if (limit.isPast || wasTwiceLost || !answer.mayRepeat || attempts >= MAX_ATTEMPTS) throw error;
      const delayMs = answer.waitMs ?? drawBackoffMs(client, attempts);
      if (delayMs >= limit.remainingMs()) throw error;
      await limit.wait(delayMs).catch((reason: unknown) => {
        // The timer of the deadline may run ahead of the clock of `remainingMs`.
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
 * Reports the lost answer, with the details of what failed after it. A later failure, `invalid_grant` included, says
 * nothing about what became of the first request.
 */
function stillLost(lost: TalkdeskError, latest: TalkdeskError): TalkdeskError {
  const { retryAt, status, error, errorDescription, hints } = latest;
  return copyError(lost, { retryAt, status, error, errorDescription, hints });
}

function drawBackoffMs(client: TalkdeskClient, attempts: number): number {
  const random = client.random ?? Math.random;
  return random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** (attempts - 1));
}
