import { discardBody } from "../adapter/discard-body.js";
import { sendAuthorized } from "../adapter/send-authorized.js";
import { isTokenRefusal } from "../adapter/token-refusal.js";
import { platformClock } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { type Deadline, startDeadline } from "../base/deadline.js";
import { isTalkdeskError, reduceCause, TalkdeskError } from "../base/errors.js";
import { type FetchFunction, type FetchResponse, noStore } from "../base/fetch-function.js";
import { readBody } from "../base/response-body.js";
import { parseSecureUrl } from "../base/secure-url.js";
import type { TokenSource } from "../token/token-source.js";
import { retryAfterMs } from "../token-endpoint/retry-after.js";
import { createMask } from "../token-endpoint/sent-secrets.js";
import { isUnavailable, readErrorBody } from "../token-endpoint/token-response.js";

/** Options of {@link endUserSession}. */
export interface EndUserSessionOptions {
  /** The user's id at Talkdesk: 24 characters, as `id` of `GET /users/me` gives it. */
  readonly userId: string;
  /** The reason that Talkdesk records. It documents `force_logout` alone. Default: none is sent. */
  readonly reason?: "force_logout" | undefined;
  /** Ends the call, which then rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Sends the request. Default: the global `fetch`. */
  readonly fetch?: FetchFunction | undefined;
  /** Total time for the call in milliseconds. Default 10 000. */
  readonly timeoutMs?: number | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Far more than an error needs. */
const MAX_BYTES = 65_536;

/**
 * Ends the session of a user at Talkdesk itself: the user is signed out of Talkdesk's own pages, and must give a password
 * at the next login. It does not end a session of your app; `UserSession.end()` does.
 *
 * The source must have the scope `user-session-public:end`, as a rule by client credentials. Talkdesk's guide and its API
 * description disagree about the form of the request. This sends a form, as the guide does.
 *
 * @throws TypeError (rejection) for a source that names no identity host, and for a user id or a reason that cannot be
 *   one. Nothing is sent.
 * @throws TalkdeskError (rejection)
 * - `request_refused`: the identity host refused, such as for an unknown user or a missing scope.
 * - `token_refused`: it refuses the token.
 * - `token_network`, `token_timeout`, `token_unavailable`: it could not be reached, did not answer in time, or answered
 *   429 or 5xx. The request is not repeated.
 * - `token_unexpected_response`: any other answer.
 * - The codes of the source's `getToken`.
 * @example
 * await endUserSession(clientCredentials(client, { scope: "user-session-public:end" }), { userId });
 * @see Talkdesk, "Ending a user session"
 */
export async function endUserSession(source: TokenSource, options: EndUserSessionOptions): Promise<void> {
  const { userId, reason, signal, timeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const url = sessionEndpoint(source);
  if (typeof userId !== "string" || !/^[\x21-\x7e]{24}$/.test(userId)) {
    throw new TypeError(
      "userId must be the user's id at Talkdesk, 24 characters, such as GET /users/me gives it; not an e-mail address.",
    );
  }
  if (reason !== undefined && reason !== "force_logout") {
    throw new TypeError('reason must be "force_logout" or absent.');
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0)) {
    throw new TypeError("timeoutMs must be a number of milliseconds above 0.");
  }
  const body = new URLSearchParams({ user_id: userId, ...(reason !== undefined && { reason }) });
  const limit = startDeadline(timeoutMs, signal);
  try {
    await send(source, url, { body, limit, fetch: options.fetch ?? globalThis.fetch });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (isTalkdeskError(error) || isControlFlow(error)) throw error;
    throw new TalkdeskError(
      limit.isPast ? "token_timeout" : "token_network",
      limit.isPast
        ? `The identity host did not end the session within ${timeoutMs} ms; it may have ended all the same.`
        : `The identity host could not be reached to end the session: ${new URL(url).host}.`,
      { cause: reduceCause(error) },
    );
  } finally {
    limit.clear();
  }
}

function sessionEndpoint({ identity }: TokenSource): string {
  if (identity === undefined) {
    throw new TypeError(
      "The source names no identity host, which ends sessions: use a source of this package, such as clientCredentials().",
    );
  }
  return `${parseSecureUrl(identity, "The source's identity").href.replace(/\/+$/, "")}/oauth/end_user_session`;
}

interface Sending {
  readonly body: URLSearchParams;
  readonly limit: Deadline;
  readonly fetch: FetchFunction;
}

async function send(source: TokenSource, url: string, { body, limit, fetch }: Sending): Promise<void> {
  let headers = new Headers();
  const response = await limit.race(
    sendAuthorized<FetchResponse>(source, {
      method: "POST",
      isReplayable: true,
      signal: limit.signal,
      send({ authorization }) {
        headers = new Headers({
          accept: "application/json",
          authorization,
          "content-type": "application/x-www-form-urlencoded",
        });
        const { signal } = limit;
        return fetch(url, {
          method: "POST",
          headers,
          body: body.toString(),
          redirect: "manual",
          signal,
          ...noStore(),
        });
      },
      isRefusal: ({ status, headers }) => isTokenRefusal(status, headers.get("www-authenticate")),
      discard: ({ body }) => discardBody(body as Parameters<typeof discardBody>[0]),
    }),
  );
  const { status } = response;
  const isEnded = status >= 200 && status < 300 && response.redirected !== true;
  const answer = await limit.race(readBody(response, MAX_BYTES)).catch((error: unknown) => {
    if (isEnded || !limit.signal.aborted) return undefined;
    throw error;
  });
  if (!isEnded) throw refusal(response, answer, createMask(headers, new URLSearchParams()));
}

function refusal(
  { status, headers }: FetchResponse,
  answer: Uint8Array | undefined,
  mask: (text: string) => string,
): TalkdeskError {
  const json = parseJson(answer);
  const said = readErrorBody(json, mask);
  const named = said.error === undefined ? "" : ` (${said.error})`;
  if (isUnavailable(status)) {
    const now = platformClock.now();
    const wait = retryAfterMs(headers as Headers, json, now);
    return new TalkdeskError(
      "token_unavailable",
      `The identity host answered ${status}${named} when it was asked to end a session.`,
      { status, ...said, retryAt: wait === undefined ? undefined : now + wait },
    );
  }
  if (status === 401) {
    return new TalkdeskError(
      "token_refused",
      `The identity host refused the token that was to end a session${named}; it needs the scope user-session-public:end.`,
      { status, ...said },
    );
  }
  if (status >= 400 && status < 500) {
    const hint = status === 403 ? "the token needs the scope user-session-public:end" : "check the user's id";
    return new TalkdeskError(
      "request_refused",
      `The identity host did not end the session: ${status}${named}; ${hint}.`,
      { status, ...said },
    );
  }
  return new TalkdeskError(
    "token_unexpected_response",
    `The identity host answered ${status} when it was asked to end a session; check endpoints.identity.`,
    { status, ...said },
  );
}

function parseJson(answer: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(answer));
  } catch {
    return undefined;
  }
}
