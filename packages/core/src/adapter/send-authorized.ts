import { isControlFlow } from "../base/control-flow.js";
import { isTalkdeskError } from "../base/errors.js";
import { onAbort } from "../base/shared-abort.js";
import type { AccessToken } from "../token/access-token.js";
import type { TokenRequest, TokenSource } from "../token/token-source.js";

/** The methods that change nothing, so that a replay does no harm wherever a redirect has led. @see RFC 9110 §9.2.1 */
const SAFE_METHOD = /^(?:GET|HEAD)$/i;

/**
 * One request of a client that answers with promises, as {@link sendAuthorized} sends it. `Answer` is the client's own
 * response.
 */
export interface AuthorizedRequest<Answer> {
  /** The HTTP method, such as `POST`. */
  readonly method: string;
  /** Whether the body can be sent again: {@link captureBody} and {@link bufferBody} tell. */
  readonly isReplayable: boolean;
  /** Ends the wait for a token; `send` hands the same signal to the client. */
  readonly signal?: AbortSignal | undefined;
  /** Sends the request with this token. Called at most twice. */
  send(token: AccessToken): Promise<Answer>;
  /**
   * Reads the answer from an error, for a client or a layer beneath it that throws for statuses. Undefined for an error
   * of another kind. Where the caller would get that answer, `sendAuthorized` rejects with the error. Default: no error
   * contains an answer.
   */
  answerIn?(error: unknown): Answer | undefined;
  /** Whether the API refused the token: {@link isTokenRefusal} is true, and the answer comes from where the token went. */
  isRefusal(answer: Answer): boolean;
  /**
   * Whether a redirect led to the answer. The server that refused is then not the one that acted on the request, so only
   * GET and HEAD are sent again. Default: false.
   */
  isRedirected?(answer: Answer): boolean;
  /**
   * Frees a refused answer that the caller will not get, so that its connection can be used again: {@link discardBody}.
   * `sendAuthorized` does not wait for it.
   */
  discard(answer: Answer): void | Promise<void>;
}

/**
 * Sends a request with a token, and once more with another token when the API refuses the first one.
 *
 * Every refusal is reported to the source, also when the request cannot be sent again, so that the next request has a
 * new token. When the source has no other token, the caller gets the refused answer, unread. The caller also gets a
 * second refusal.
 *
 * @throws (rejection)
 * - The source's error, when there is no token for the first request.
 * - {@link TalkdeskError} `reauthentication_required`, when a refusal shows that the session is over.
 * - The signal's reason, when it aborts during a wait for a token.
 * - The error of `send`.
 * @example
 * const answer = await sendAuthorized<Response>(source, {
 *   method: "GET",
 *   isReplayable: true,
 *   send: ({ authorization }) => fetch(url, { headers: { authorization } }),
 *   isRefusal: ({ status, headers }) => isTokenRefusal(status, headers.get("www-authenticate")),
 *   discard: ({ body }) => discardBody(body),
 * });
 */
export async function sendAuthorized<Answer>(
  source: TokenSource,
  request: AuthorizedRequest<Answer>,
): Promise<Answer> {
  const { signal } = request;
  // Without an argument, a source has a fast path.
  const token = await (signal === undefined ? source.getToken() : askForToken(source, { signal }));
  let answer: Answer;
  try {
    answer = await request.send(token);
  } catch (error) {
    const contained = request.answerIn?.(error);
    if (contained === undefined || !request.isRefusal(contained)) throw error;
    return sendAgain(source, request, token, contained, () => {
      throw error;
    });
  }
  return request.isRefusal(answer) ? await sendAgain(source, request, token, answer) : answer;
}

/**
 * Sends a refused request once more, if that is possible.
 *
 * @param handOver Gives the caller the refused answer, or throws the error that contains it. Default: the answer.
 */
async function sendAgain<Answer>(
  source: TokenSource,
  request: AuthorizedRequest<Answer>,
  token: AccessToken,
  answer: Answer,
  handOver: () => Answer = () => answer,
): Promise<Answer> {
  const { signal } = request;
  let next: AccessToken;
  try {
    next = await askForToken(source, { signal, rejected: token });
  } catch (error) {
    const isSessionOver = isTalkdeskError(error) && error.code === "reauthentication_required";
    if (!signal?.aborted && !isSessionOver && !isControlFlow(error)) return handOver();
    freeAnswer(request, answer);
    throw signal?.aborted ? signal.reason : error;
  }
  if (next.value === token.value || !canSendAgain(request, answer)) return handOver();
  freeAnswer(request, answer);
  return request.send(next);
}

/** Asks for a token until the signal aborts, also where a source of the user's own ignores the signal. */
function askForToken(source: TokenSource, request: TokenRequest): Promise<AccessToken> {
  const { signal } = request;
  if (signal?.aborted) return Promise.reject(signal.reason);
  const asked = source.getToken(request);
  if (signal === undefined) return asked;
  return new Promise((resolve, reject) => {
    const stopListening = onAbort(signal, () => reject(signal.reason));
    asked.then(resolve, reject).finally(stopListening);
  });
}

function canSendAgain<Answer>(request: AuthorizedRequest<Answer>, answer: Answer): boolean {
  return request.isReplayable && (SAFE_METHOD.test(request.method) || !request.isRedirected?.(answer));
}

function freeAnswer<Answer>(request: AuthorizedRequest<Answer>, answer: Answer): void {
  Promise.resolve(request.discard(answer)).catch(() => {});
}
