import { isControlFlow } from "../base/control-flow.js";
import { isTalkdeskError } from "../base/errors.js";
import { onAbort } from "../base/shared-abort.js";
import type { AccessToken } from "../token/access-token.js";
import type { TokenRequest, TokenSource } from "../token/token-source.js";

/** How an adapter for a promise-shaped client sends one request. `Answer` is the client's own response. */
export interface AuthorizedRequest<Answer> {
  /** Sends the request with this token. Called twice at the most. */
  send(token: AccessToken): Promise<Answer>;
  /**
   * The answer that an error stands for, where the client or a layer beneath it throws for statuses; undefined for any
   * other error. When that answer would be the caller's, the error is. Default: every error is the caller's.
   */
  answerIn?(error: unknown): Answer | undefined;
  /** Whether the API refused the token: {@link isTokenRefusal}, and the answer came from where the token went. */
  isRefusal(answer: Answer): boolean;
  /** Whether the same bytes can be sent again, and doing so repeats nothing that was done. */
  isReplayable(answer: Answer): boolean;
  /**
   * Frees what a refused answer holds, since nobody will read it: drains it within {@link MAX_BUFFERED_BYTES} and
   * {@link MAX_DISCARD_MS}, so that its connection can be used again, and cancels what is longer. It is not waited for.
   */
  discard(answer: Answer): void | Promise<void>;
  /** Ends the caller's wait for tokens. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Sends a request with a token, and once more with another one if the API refuses the first with 401.
 *
 * A refusal is reported to the source also when the request cannot be replayed, so the next one has a new token. When
 * there is no other token to be had, the refused answer is the caller's, unread. A second refusal is too.
 *
 * @returns A promise that rejects when no token can be had for the first sending, when `send` rejects, with the
 *   signal's reason when it aborts during a wait for a token, and after a refusal with `reauthentication_required` when
 *   the session is over: only a login helps then.
 */
export async function sendAuthorized<Answer>(
  source: TokenSource,
  request: AuthorizedRequest<Answer>,
): Promise<Answer> {
  const { signal } = request;
  // A source answers at once when nothing is asked of it but a token.
  const token = await (signal === undefined ? source.getToken() : askForToken(source, { signal }));
  let answer: Answer;
  let thrown: { readonly error: unknown } | undefined;
  try {
    answer = await request.send(token);
  } catch (error) {
    const contained = request.answerIn?.(error);
    if (contained === undefined) throw error;
    answer = contained;
    thrown = { error };
  }
  const handOver = (): Answer => {
    if (thrown !== undefined) throw thrown.error;
    return answer;
  };
  if (!request.isRefusal(answer)) return handOver();

  let next: AccessToken;
  try {
    next = await askForToken(source, { ...(signal && { signal }), rejected: token });
  } catch (error) {
    const isSessionOver = isTalkdeskError(error) && error.code === "reauthentication_required";
    if (!signal?.aborted && !isSessionOver && !isControlFlow(error)) return handOver();
    free(request, answer);
    throw signal?.aborted ? signal.reason : error;
  }
  if (next.value === token.value || !request.isReplayable(answer)) return handOver();
  free(request, answer);
  return request.send(next);
}

/** Ends with the signal, whatever the source does with it: one that a user has written may not look at it. */
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

function free<Answer>(request: AuthorizedRequest<Answer>, answer: Answer): void {
  Promise.resolve(request.discard(answer)).catch(() => {});
}
