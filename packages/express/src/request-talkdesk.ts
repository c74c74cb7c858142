import type { AccessToken, TokenRequest, TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { bindSource } from "@talkdesk-oauth/login";
import type { Response } from "express";

/** The `req.talkdesk` of a request. Its functions do not use `this`, so they can be destructured. */
export interface RequestTalkdesk {
  /** The source itself, for work that outlives the request. */
  readonly source: TokenSource;
  /**
   * Calls the API with a token of the source, as `talkdeskFetch` of `@talkdesk-oauth/fetch` does. When the client
   * disconnects before `res.end()` was called, a wait for a token rejects with an `AbortError`, and a wait for the
   * replacement of a refused token resolves to the refused answer. A call that was already sent goes on, and so do all
   * calls after `res.end()`.
   */
  readonly fetch: typeof fetch;
  /**
   * A token of the source. The wait ends when the client disconnects, as in `fetch`, or when the given signal aborts.
   */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

declare global {
  // biome-ignore lint/style/noNamespace: the one place where Express lets a request be extended.
  namespace Express {
    interface Request {
      /**
       * Tokens for this request, set by `talkdesk(…)`. It is undefined when there is no source, such as when nobody is
       * signed in; `requireLogin()` lets no such request pass.
       */
      talkdesk: RequestTalkdesk;
    }
  }
}

/**
 * Binds a source to the life of one request. The signal is made when it is first needed, since most requests need no
 * token.
 */
export function requestTalkdesk(source: TokenSource, response: Response): RequestTalkdesk {
  let authorized: typeof fetch | undefined;
  const bound = bindSource(source, () => lifetimeOf(response));
  return {
    source,
    getToken: bound.getToken,
    async fetch(input, init) {
      authorized ??= talkdeskFetch(bound);
      return authorized(input, init);
    },
  };
}

/**
 * Aborts when the connection closes before the handler has called `res.end()`. Work after `res.end()` does not depend
 * on the client. Whether the client has read the whole answer does not count, since versions of Node disagree about it.
 */
function lifetimeOf(response: Response): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (response.writableEnded) return;
    controller.abort(
      new DOMException("The client disconnected before the response was finished.", "AbortError"),
    );
  };
  if (response.closed) abort();
  else response.once("close", abort);
  return controller.signal;
}
