import type { AccessToken, TokenRequest, TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { bindSource } from "@talkdesk-oauth/login";
import type { Response } from "express";

/** What {@link talkdesk} puts on a request. Its functions may be taken out of it. */
export interface RequestTalkdesk {
  /** The source itself, for what goes on without the request. */
  readonly source: TokenSource;
  /**
   * Calls the API with a token of the source, as `talkdeskFetch` of `@talkdesk-oauth/fetch` does. Its wait for a token
   * ends with an `AbortError` when the client goes away before `res.end()` was called, and its wait for another one, in
   * place of one that was refused, with the refused answer. What was sent goes on, and so does all that is done after
   * `res.end()`.
   */
  readonly fetch: typeof fetch;
  /** A token of the source. Waits as long as `fetch` does, and at most as long as the signal given says. */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

declare global {
  // biome-ignore lint/style/noNamespace: the one place where Express lets a request be extended.
  namespace Express {
    interface Request {
      /**
       * Tokens for this request: there after `talkdesk(…)`, and after `requireLogin()` for certain. It is undefined
       * when there is no source, which is when nobody is signed in.
       */
      talkdesk: RequestTalkdesk;
    }
  }
}

/** Binds a source to the life of one request. Nothing is made before it is needed: most requests need no token. */
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
 * Aborts when the connection closes before the handler has said all: what comes after that is for nobody who could go
 * away. Whether the client has read it all makes no difference, and versions of Node do not agree on it.
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
