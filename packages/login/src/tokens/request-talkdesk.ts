import {
  type AccessToken,
  joinSignals,
  sourceAddresses,
  type TokenRequest,
  type TokenSource,
} from "@talkdesk-oauth/core";

/** The tokens of one request. Its functions do not use `this`, so they can be destructured. */
export interface RequestTalkdesk {
  /** The source itself, for work that outlives the request. */
  readonly source: TokenSource;
  /**
   * Calls the API with a token of the source, as `talkdeskFetch` of `@talkdesk-oauth/fetch` does. When the client
   * disconnects before the response is finished, a wait for a token rejects with an `AbortError`, and a wait for the
   * replacement of a refused token resolves to the refused answer. A call that was already sent goes on, and so do all
   * calls after the response is finished.
   */
  readonly fetch: typeof fetch;
  /**
   * A token of the source. The wait ends when the client disconnects, as in `fetch`, or when the given signal aborts.
   */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

/** The part of Node's `ServerResponse` that {@link requestTalkdesk} uses. */
export interface NodeResponse {
  /** True when the response is finished, or the client has disconnected. */
  readonly closed: boolean;
  /** True when the app has ended the response. */
  readonly writableEnded: boolean;
  /** Calls the listener when the response is closed. */
  once(event: "close", listener: () => void): unknown;
}

/**
 * Binds a source to the life of one request: waits for its tokens end when the client disconnects. Calls that were
 * already sent to Talkdesk go on, and other requests are not affected.
 *
 * @param client How the request tells that its client has disconnected: by its signal, or by Node's response.
 * @param authorize `talkdeskFetch` of `@talkdesk-oauth/fetch`. It is called when `fetch` is first used.
 * @example
 * const { fetch } = requestTalkdesk(source, request.signal, talkdeskFetch);
 * const users = await fetch("/users");
 */
export function requestTalkdesk(
  source: TokenSource,
  client: AbortSignal | NodeResponse,
  authorize: (source: TokenSource) => typeof fetch,
): RequestTalkdesk {
  // Made when first needed, since most requests need no token.
  let signal: AbortSignal | undefined;
  let authorized: typeof fetch | undefined;

  async function getToken(request?: TokenRequest): Promise<AccessToken> {
    signal ??= disconnectSignal(client);
    const own = request?.signal;
    if (own === undefined) return source.getToken({ ...request, signal });
    const joined = joinSignals([own, signal]);
    try {
      return await source.getToken({ ...request, signal: joined.signal });
    } finally {
      joined.release();
    }
  }

  return {
    source,
    getToken,
    async fetch(input, init) {
      authorized ??= authorize({ ...sourceAddresses(source), getToken });
      return authorized(input, init);
    },
  };
}

/**
 * Aborts when the client disconnects before the response was finished: on Node, before `end()` was called. Work after
 * that does not depend on the client. Whether the client has read the whole answer does not count, since versions of
 * Node disagree about it. The reason is the same everywhere; the signals of some runtimes have a text as theirs.
 */
function disconnectSignal(client: AbortSignal | NodeResponse): AbortSignal {
  const controller = new AbortController();
  const isNode = "writableEnded" in client;
  const abort = (): void => {
    if (isNode && client.writableEnded) return;
    controller.abort(
      new DOMException("The client disconnected before the response was finished.", "AbortError"),
    );
  };
  if (isNode ? client.closed : client.aborted) abort();
  else if (isNode) client.once("close", abort);
  else client.addEventListener("abort", abort, { once: true });
  return controller.signal;
}
