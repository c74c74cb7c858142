import {
  type AdapterOptions,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { isJoinable, keepAlone, watchDeduplication } from "./deduplication.js";
import { headerIn } from "./headers.js";
import { mistake } from "./mistake.js";
import { readBody, readRequest } from "./read-request.js";
import { observed, watchRedirects } from "./redirects.js";
import { failAtOnce, relay, translatesOldHandlers } from "./relay.js";
import { watchRoutes } from "./route.js";
import { type Outgoing, Sending } from "./sending.js";

/**
 * An interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * A cache, and whatever else decides by credentials, must be nearer to the network, so it comes first:
 * `new Agent().compose(interceptors.cache(), talkdeskUndici(source))`. Otherwise the order is free.
 *
 * A 401 is answered by sending the request once more with another token, if the source has one and the body can be sent
 * again: strings, buffers, `FormData` and `Blob` can; streams, iterables and whatever `fetch` hands to a dispatcher
 * cannot. Requests to other origins, CONNECT, those with an `Authorization` of their own, and hops of a redirect that
 * another origin has led to, pass untouched. A request fails
 *
 * - with the source's `TalkdeskError`, when there is no token to send, and when only a login can help after a 401;
 * - with a `TypeError`, when it names no origin, and when the dispatcher leads elsewhere than its URL says: a `Pool` of
 *   another origin, a proxy to plain http.
 *
 * @throws TypeError at once, when source or options could not be used.
 * @example
 * const dispatcher = new Agent().compose(talkdeskUndici(source));
 * const { body } = await request(`${source.api}/users`, { dispatcher });
 */
export function talkdeskUndici(
  source: TokenSource,
  options: AdapterOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const mayHaveToken = tokenDestination(source, options);
  const takesOldHandlers = translatesOldHandlers();
  watchRoutes();
  watchDeduplication();

  return (dispatch) => {
    const redirects = watchRedirects(mayHaveToken);

    return (given, handler) => {
      if (!given.origin) {
        const what = "The request names no origin: compose over an Agent, or name one.";
        return failAtOnce(handler, mistake(what));
      }
      const request = readRequest(given);
      if (request === undefined) return dispatch(given, handler);
      const { options, headers, url } = request;

      const isOwn = options.method === "CONNECT" || headerIn(headers, "authorization") !== undefined;
      const isOurs = !isOwn && mayHaveToken(url);
      const isLed = isOurs && redirects.isLed(request);
      if (!isOurs || isLed) return dispatch(options, observed(handler, redirects, request, isLed));

      try {
        const mayBeJoined = isJoinable(url, options.path);
        const { body, isReplayable } = readBody(options.body);
        options.body = body ?? null;
        const client = relay(handler, takesOldHandlers);
        if (mayBeJoined) keepAlone(client);
        sendWithToken(source, { dispatch, client, request, redirects }, isReplayable);
        return true;
      } catch (error) {
        return failAtOnce(handler, error);
      }
    };
  };
}

function sendWithToken(source: TokenSource, outgoing: Outgoing, isReplayable: boolean): void {
  const { client, request } = outgoing;
  // Its start has failed, or it has aborted already.
  if (client.isOver) return;
  let refused: Sending | undefined;
  sendAuthorized<Sending>(source, {
    send(token) {
      const sending = new Sending(outgoing, token);
      if (refused === undefined) return sending.send();
      const answer = sending.send("held");
      // The dispatcher was closed meanwhile.
      if (sending.hasFailed) return Promise.resolve(refused);
      refused.discard();
      sending.release();
      return answer;
    },
    isRefusal: (sending) => sending.isRefusal,
    // What answered a redirected request with a refusal is not what acted on it.
    isReplayable: (sending) =>
      isReplayable && (!sending.isRedirected || /^(?:GET|HEAD)$/.test(request.options.method)),
    discard(sending) {
      // Not before the next one is under way: until then it may still be wanted.
      refused = sending;
    },
  }).then(
    (sending) => sending.release(),
    (error: unknown) => {
      refused?.discard();
      client.fail(error);
    },
  );
}
