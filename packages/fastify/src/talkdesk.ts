import type { TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { isTokenSource, type RequestTalkdesk, requestTalkdesk, sourceChooser } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isForLogin } from "./login.js";

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
  const sourceOf = sourceChooser(source);
  return async (request, reply) => {
    // Users can sign in and out while no token can be obtained.
    if (isForLogin(request)) return;
    const found = isTokenSource(source) ? source : await sourceOf(request);
    request.talkdesk = (found && requestTalkdesk(found, reply.raw, talkdeskFetch)) as RequestTalkdesk;
  };
}
