import {
  type AdapterOptions,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { failAtOnce, startCaller, supportsLegacyHandlers, usageError } from "./caller.js";
import { isJoinable, preventJoining, watchDeduplication } from "./deduplication.js";
import { findHeader } from "./headers.js";
import { observeRedirects, watchRedirects } from "./redirects.js";
import { readBody, readRequest } from "./request.js";
import { watchRoutes } from "./route.js";
import { type Outgoing, Sending } from "./sending.js";

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
      const request = readRequest(given);
      if (request === undefined) return dispatch(given, handler);
      const { options, headers, url } = request;

      const isOwn = options.method === "CONNECT" || findHeader(headers, "authorization") !== undefined;
      const isAllowed = !isOwn && mayHaveToken(url);
      const isForeignHop = isAllowed && redirects.takeForeignHop(request);
      if (!isAllowed || isForeignHop) {
        return dispatch(options, observeRedirects(handler, redirects, request, isForeignHop));
      }

      try {
        const mayBeJoined = isJoinable(url, options.path);
        const { body, isReplayable } = readBody(options.body);
        options.body = body ?? null;
        const caller = startCaller(handler, supportsLegacy);
        if (mayBeJoined) preventJoining(caller);
        sendWithToken(source, { dispatch, caller, request, redirects }, isReplayable);
        return true;
      } catch (error) {
        return failAtOnce(handler, error);
      }
    };
  };
}

function sendWithToken(source: TokenSource, outgoing: Outgoing, isReplayable: boolean): void {
  const { caller, request } = outgoing;
  // Its `onRequestStart` has thrown, or has aborted the request.
  if (caller.isOver) return;
  let refused: Sending | undefined;
  sendAuthorized<Sending>(source, {
    method: request.options.method,
    isReplayable,
    send(token) {
      const sending = new Sending(outgoing, token);
      if (refused === undefined) return sending.send();
      const answer = sending.send("held");
      // The dispatcher was closed during the wait for the second token: the caller gets the refusal.
      if (sending.hasFailed) return Promise.resolve(refused);
      refused.discard();
      sending.release();
      return answer;
    },
    isRefusal: (sending) => sending.isRefusal,
    isRedirected: (sending) => sending.isRedirected,
    discard(sending) {
      // Kept until the second sending is in flight, since the caller may still get it.
      refused = sending;
    },
  }).then(
    (sending) => sending.release(),
    (error: unknown) => {
      refused?.discard();
      caller.fail(error);
    },
  );
}
