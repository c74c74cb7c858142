import type { AccessToken } from "./access-token.js";
import { isTalkdeskError } from "./errors.js";
import type { TokenSource } from "./token-source.js";

/** The most that an adapter keeps of a body in order to send or return it later, in bytes. */
export const MAX_BUFFERED_BYTES = 65_536;

/** How an adapter for a promise-shaped client sends one request. `Answer` is the client's own response. */
export interface AuthorizedRequest<Answer> {
  /** Sends the request with this token. Called twice at the most. */
  send(token: AccessToken): Promise<Answer>;
  /** Whether the API refused the token: {@link isTokenRefusal}, and the answer came from where the token went. */
  isRefusal(answer: Answer): boolean;
  /** Whether the same bytes can be sent again, and doing so repeats nothing that was done. */
  isReplayable(answer: Answer): boolean;
  /**
   * Frees what a refused answer holds, since nobody will read it: at best drains it, so its connection is kept. It is
   * not waited for, since such an answer may never end.
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
  const token = await (signal === undefined ? source.getToken() : source.getToken({ signal }));
  const answer = await request.send(token);
  if (!request.isRefusal(answer)) return answer;

  let next: AccessToken;
  try {
    next = await source.getToken({ ...(signal && { signal }), rejected: token });
  } catch (error) {
    const isSessionOver = isTalkdeskError(error) && error.code === "reauthentication_required";
    if (!signal?.aborted && !isSessionOver) return answer;
    free(request, answer);
    throw signal?.aborted ? signal.reason : error;
  }
  if (next.value === token.value || !request.isReplayable(answer)) return answer;
  free(request, answer);
  return request.send(next);
}

function free<Answer>(request: AuthorizedRequest<Answer>, answer: Answer): void {
  Promise.resolve(request.discard(answer)).catch(() => {});
}

/**
 * Whether an answer says that the token it was asked with is not, or no longer, good: 401, unless `WWW-Authenticate`
 * says `insufficient_scope`. Talkdesk's own error codes differ by service, so they are not looked at; 403 is about
 * what a good token may do.
 * @see RFC 6750 §3.1
 */
export function isTokenRefusal(status: number, wwwAuthenticate: string | null | undefined): boolean {
  return status === 401 && !/\berror\s*=\s*"?insufficient_scope\b/i.test(wwwAuthenticate ?? "");
}

/**
 * Reads away what is left of a refused answer's body, up to 64 KiB, so that its connection can be used again; a longer
 * one is cancelled. Never rejects.
 */
export async function discardBody(body: ReadableStream<Uint8Array> | null): Promise<void> {
  if (body === null) return;
  try {
    const reader = body.getReader();
    for (let size = 0; size <= MAX_BUFFERED_BYTES; ) {
      const { done, value } = await reader.read();
      if (done) return;
      size += value.byteLength;
    }
    await reader.cancel();
  } catch {
    // The connection is gone already, or the caller has stopped it.
  }
}
