import type { AccessToken, TokenRequest, TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { bindSource, checkChosenSource, checkSourceChoice, isTokenSource } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isForLogin } from "./login-routes.js";

/** The value that {@link talkdesk} sets on a request. Its functions can be destructured. */
export interface RequestTalkdesk {
  /** The source itself, for work that outlives the request. */
  readonly source: TokenSource;
  /** Calls the API with a token of the source, as `talkdeskFetch` of `@talkdesk-oauth/fetch` does. */
  readonly fetch: typeof fetch;
  /** A token of the source, for another client. */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

declare module "fastify" {
  interface FastifyRequest {
    /**
     * Tokens for this request, set by `talkdeskPlugin` or `talkdesk(…)`. Undefined when the request has no source because
     * nobody is signed in; always defined after `requireLogin()`.
     */
    talkdesk: RequestTalkdesk;
  }
}

/** Chooses the source of a request's tokens; undefined for a request that gets none. */
export type SourceOfRequest = (
  request: FastifyRequest,
) => TokenSource | undefined | Promise<TokenSource | undefined>;

/**
 * A hook that puts `request.talkdesk` on a request: the tokens of one source, or of the source that a function gives for
 * it. `talkdeskPlugin` adds it for a whole app; by itself it gives one route, or one scope, another source.
 *
 * No token is requested before a handler asks for one. When the client disconnects before the response is finished, waits
 * for tokens of this request end with an `AbortError`; calls that were sent go on.
 *
 * @param source A token source; or a function of the request, such as the `source` of a {@link talkdeskLogin}.
 * @throws TypeError
 *   - at once, when `source` is neither;
 *   - for a request, when the function gives something else.
 * @example
 * const perTenant = talkdesk((request) => sources.get(String(request.headers["x-tenant"])));
 * app.get("/users", { onRequest: perTenant }, async (request) => (await request.talkdesk.fetch("/users")).json());
 */
export function talkdesk(
  source: TokenSource | SourceOfRequest,
): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  checkSourceChoice(source);
  return async (request, reply) => {
    // Users can sign in and out while no token can be obtained.
    if (isForLogin(request)) return;
    const found = isTokenSource(source) ? source : await source(request);
    checkChosenSource(found);
    request.talkdesk = (found && requestTalkdesk(found, reply)) as RequestTalkdesk;
  };
}

function requestTalkdesk(source: TokenSource, reply: FastifyReply): RequestTalkdesk {
  const bound = bindSource(source, () => lifetimeOf(reply));
  let authorized: typeof fetch | undefined;
  return {
    source,
    getToken: bound.getToken,
    async fetch(input, init) {
      authorized ??= talkdeskFetch(bound);
      return authorized(input, init);
    },
  };
}

/** Aborts when the connection closes before the response was finished. Work after the response is not aborted. */
function lifetimeOf({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const abort = (): void => {
    if (raw.writableEnded) return;
    controller.abort(
      new DOMException("The client disconnected before the response was finished.", "AbortError"),
    );
  };
  if (raw.closed) abort();
  else raw.once("close", abort);
  return controller.signal;
}
