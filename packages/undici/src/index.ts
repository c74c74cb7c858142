import { type AdapterOptions, type TokenSource, tokenDestination } from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { AuthorizedDispatch } from "./authorized-dispatch.js";
import { failAtOnce, startCaller, supportsLegacyHandlers, usageError } from "./caller.js";
import { isJoinable, preventJoining, watchDeduplication } from "./deduplication.js";
import { observeRedirects, watchRedirects } from "./redirects.js";
import { readBody, readRequest } from "./request.js";
import { watchRoutes } from "./route.js";

/**
 * Makes an interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * Compose caches, deduplicators and other interceptors that share responses first, nearer to the network:
 * `new Agent().compose(interceptors.cache(), talkdeskUndici(source))`. The order of the others is free.
 *
 * After a 401, the request is sent once more with another token, if the source has one and the body can be sent again:
 * strings, buffers, `FormData` and `Blob` can; streams, iterables and the bodies that `fetch` gives to a dispatcher
 * cannot. These requests pass untouched: those to other origins, CONNECT, those with an `Authorization` of their own, and
 * hops of a redirect that another origin has led to.
 *
 * A request fails with
 *
 * - the source's `TalkdeskError` when there is no token to send, and with `reauthentication_required` when a 401 shows that
 *   the user's session is over;
 * - a `TypeError` when it names no origin, when the dispatcher leads elsewhere than its URL says (a `Pool` of another
 *   origin, a proxy for plain http), and when a `deduplicate` above would join the requests of different users.
 *
 * @throws TypeError at once, for a source or options that cannot be used.
 * @example
 * const dispatcher = new Agent().compose(talkdeskUndici(source));
 * const { body } = await request(`${source.api}/users`, { dispatcher });
 */
export function talkdeskUndici(
  source: TokenSource,
  options: AdapterOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const mayHaveToken = tokenDestination(source, options);
  const supportsLegacy = supportsLegacyHandlers();
  watchRoutes();
  watchDeduplication();

  return (dispatch) => {
    const redirects = watchRedirects(mayHaveToken);

    return (given, handler) => {
      if (!given.origin) {
        const message = "The request names no origin: compose over an Agent, or name one.";
        return failAtOnce(handler, usageError(message));
      }
      const request = readRequest(given, mayHaveToken);
      if (request === undefined) return dispatch(given, handler);
      const { options } = request;

      const isForeignHop = request.mayHaveToken && redirects.takeForeignHop(request);
      if (!request.mayHaveToken || isForeignHop) {
        return dispatch(options, observeRedirects(handler, redirects, request, isForeignHop));
      }

      try {
        const mayBeJoined = isJoinable(request.origin, options.path);
        const { body, isReplayable } = readBody(options.body);
        options.body = body ?? null;
        const caller = startCaller(handler, supportsLegacy);
        if (mayBeJoined) preventJoining(caller);
        // Otherwise its `onRequestStart` has thrown, or has aborted the request.
        if (!caller.isOver) {
          new AuthorizedDispatch({ dispatch, caller, request, redirects }, isReplayable).start(source);
        }
        return true;
      } catch (error) {
        return failAtOnce(handler, error);
      }
    };
  };
}
