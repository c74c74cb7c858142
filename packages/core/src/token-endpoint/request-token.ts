import { type Deadline, startDeadline } from "../base/deadline.js";
import { copyError, isTalkdeskError, type TalkdeskError } from "../base/errors.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";
import { type Grant, grantParameters } from "../token/grant.js";
import { learnOffset, recallOffsetMs } from "./clock-offset.js";
import { attemptExchange, type ReceivedToken } from "./exchange-attempt.js";
import { GRANT_POLICIES } from "./grant-policies.js";

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
  readonly limit?: Deadline | undefined;
  /** What the server knows although this request does not hold it; masked like what was sent. */
  readonly alsoSecret?: readonly string[] | undefined;
  /** Asked before each sending: false once whatever gave the right to send is over, as a lock that ran out. */
  readonly maySend?: (() => boolean) | undefined;
}

/**
 * {@link requestToken} with the instant, on both clocks, just before the request that was answered.
 * @internal
 */
export async function exchange(
  client: TalkdeskClient,
  grant: Grant,
  options: ExchangeOptions = {},
): Promise<ReceivedToken> {
  const { signal, alsoSecret = [], maySend = () => true } = options;
  const parameters = grantParameters(grant);
  const { lostAnswer } = GRANT_POLICIES[grant.grant_type];
  signal?.throwIfAborted();
  const limit = options.limit ?? startDeadline(client.timeoutMs, signal, client.clock);
  let lost: TalkdeskError | undefined;
  let offsetMs = recallOffsetMs(client);
  let isClockCorrected = false;
  try {
    for (let attempts = 1; ; attempts++) {
      const answer = await attemptExchange(
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
      const isLost = answer.error.code === lostAnswer?.code;
      const wasTwiceLost = isLost && lost !== undefined;
      if (isLost) lost = answer.error;
      const error = lost === undefined ? answer.error : stillLost(lost, answer.error);
      if (limit.isPast || wasTwiceLost || !answer.mayRepeat || attempts >= MAX_ATTEMPTS) throw error;
      const delayMs = answer.waitMs ?? drawBackoffMs(client, attempts);
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
 * What is reported once an answer was lost: whatever failed afterwards, `invalid_grant` included, says nothing about
 * what became of the first request.
 */
function stillLost(lost: TalkdeskError, latest: TalkdeskError): TalkdeskError {
  const { retryAt, status, error, errorDescription, hints } = latest;
  return copyError(lost, { retryAt, status, error, errorDescription, hints });
}

function drawBackoffMs(client: TalkdeskClient, attempts: number): number {
  const random = client.random ?? Math.random;
  return random() * Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** (attempts - 1));
}
