import {
  type AccessToken,
  joinSignals,
  sourceAddresses,
  type TokenRequest,
  type TokenSource,
} from "@talkdesk-oauth/core";

/**
 * Binds a source to the life of one request: waits for its tokens end when the client disconnects. Calls that were
 * already sent to Talkdesk go on, and other requests are not affected.
 *
 * @param lifetime Returns a signal that aborts when the client disconnects before the answer is finished. It is called
 *   once, when a token is first needed, since most requests need no token.
 * @example
 * const bound = bindSource(source, () => request.signal);
 * const talkdesk = { source, fetch: talkdeskFetch(bound), getToken: bound.getToken };
 */
export function bindSource(source: TokenSource, lifetime: () => AbortSignal): TokenSource {
  let signal: AbortSignal | undefined;
  return {
    ...sourceAddresses(source),
    async getToken(request?: TokenRequest): Promise<AccessToken> {
      signal ??= lifetime();
      const own = request?.signal;
      if (own === undefined) return source.getToken({ ...request, signal });
      const joined = joinSignals([own, signal]);
      try {
        return await source.getToken({ ...request, signal: joined.signal });
      } finally {
        joined.release();
      }
    },
  };
}
