import {
  type AdapterOptions,
  isTokenRefusal,
  MAX_BUFFERED_BYTES,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { destination } from "./destination.js";
import { authorizedHeaders, flatHeaders, headerPairs } from "./headers.js";
import { type Relay, relay, translatesOldHandlers } from "./relay.js";

/**
 * An interceptor that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * `new Agent().compose(talkdeskUndici(source))`, in any order with other interceptors. A 401 is answered by sending the
 * request once more with another token, if the source has one and the body can be sent again: strings, buffers,
 * `FormData` and `Blob` can; streams, iterables and whatever `fetch` hands to a dispatcher cannot. Requests to other
 * origins, CONNECT, and those with an `Authorization` of their own, pass untouched.
 *
 * @throws TypeError at once, when source or options could not be used; and for a request that names no origin, as those
 *   of a bare `Pool` or `Client` may: where it goes cannot be seen, so compose over an `Agent`, or pass whole URLs.
 * @returns The interceptor. Without a token to send, a request fails with the source's `TalkdeskError`.
 */
export function talkdeskUndici(
  source: TokenSource,
  options: AdapterOptions = {},
): Dispatcher.DispatcherComposeInterceptor {
  const mayHaveToken = tokenDestination(source, options);
  const takesOldHandlers = translatesOldHandlers();
  return (dispatch) => (request, handler) => {
    const url = destination(request);
    const headers = headerPairs(request.headers);
    const hasOwn = headers.some(([name]) => name.toLowerCase() === "authorization");
    // The headers may have been an iterator, and are read by now.
    if (hasOwn || request.method === "CONNECT" || !mayHaveToken(url)) {
      return dispatch({ ...request, headers: flatHeaders(headers) }, handler);
    }

    const { body, isReplayable } = replayableBody(request.body ?? null);
    const client = relay(handler, takesOldHandlers);
    if (client.isOver) return true;
    sendAuthorized(source, {
      send: (token) =>
        exchange(
          dispatch,
          {
            ...request,
            body: body as NonNullable<typeof request.body> | null,
            headers: authorizedHeaders(headers, token),
          },
          client,
        ),
      isRefusal: (answer) => answer.isRefusal,
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: (answer) =>
        isReplayable && (!answer.isRedirected || /^(?:GET|HEAD)$/.test(request.method)),
      discard: (answer) => answer.discard(),
    }).then(
      (answer) => answer.release(),
      (error: unknown) => client.fail(error),
    );
    return true;
  };
}

/** What came back: on its way to the client already, or, when it is a refusal, held until it is known what becomes of it. */
interface Answer {
  readonly isRefusal: boolean;
  /** Whether a redirect was followed below, by an interceptor nearer to the network. */
  readonly isRedirected: boolean;
  /** Passes on what is held. */
  release(): void;
  /** Forgets it, and leaves the connection fit for the next request. */
  discard(): void;
}

function exchange(
  dispatch: Dispatcher["dispatch"],
  request: Dispatcher.DispatchOptions,
  client: Relay,
): Promise<Answer> {
  // Aborted while it waited for a token.
  if (client.isOver)
    return Promise.resolve({ isRefusal: false, isRedirected: false, release() {}, discard() {} });
  return new Promise((resolve) => {
    let held: (() => void)[] | undefined;
    let isDiscarded = false;
    let isEnded = false;
    let heldBytes = 0;
    let connection: Dispatcher.DispatchController | undefined;
    // Where undici's redirect interceptor has been; it grows as that follows.
    let visited: readonly URL[] = [];

    const pass = (step: () => void): void => {
      if (isDiscarded || client.isOver) return;
      if (held === undefined) step();
      else held.push(step);
    };
    const answer = (isRefusal: boolean): Answer => ({
      isRefusal,
      isRedirected: visited.length > 1,
      release() {
        const steps = held ?? [];
        held = undefined;
        try {
          for (const step of steps) step();
        } catch (error) {
          // What undici does when a handler throws, which it cannot see now.
          if (!isEnded) connection?.abort(error as Error);
          client.fail(error);
        }
        if (steps.length > 0 && !client.controller.paused) connection?.resume();
      },
      discard() {
        isDiscarded = true;
        held = undefined;
        // What is longer than may be held is not worth reading.
        if (!isEnded && heldBytes > MAX_BUFFERED_BYTES)
          connection?.abort(new Error("A refused response was discarded."));
      },
    });
    dispatch(request, {
      onRequestStart(controller, context) {
        connection = controller;
        visited = (context as { history?: readonly URL[] } | undefined)?.history ?? [];
        client.connect(controller, context);
      },
      onRequestUpgrade(_controller, status, headers, socket) {
        pass(() => client.handler.onRequestUpgrade?.(client.controller, status, headers, socket));
        resolve(answer(false));
      },
      onResponseStart(_controller, status, headers, message) {
        const last = visited.at(-1);
        const isFromOrigin = last === undefined || last.origin === new URL(request.origin ?? "").origin;
        const isRefusal = isFromOrigin && isTokenRefusal(status, String(headers["www-authenticate"] ?? ""));
        if (isRefusal) held = [];
        pass(() => client.start(status, headers, message));
        // An informational response is not the answer yet.
        if (status >= 200) resolve(answer(isRefusal));
      },
      onResponseData(controller, chunk) {
        heldBytes += chunk.length;
        if ((held !== undefined || isDiscarded) && heldBytes > MAX_BUFFERED_BYTES) {
          if (isDiscarded) controller.abort(new Error("A refused response was discarded."));
          else controller.pause();
        }
        pass(() => client.handler.onResponseData?.(client.controller, chunk));
      },
      onResponseEnd(_controller, trailers) {
        isEnded = true;
        pass(() => client.end(trailers));
      },
      onResponseError(_controller, error) {
        isEnded = true;
        pass(() => client.fail(error));
        resolve(answer(false));
      },
    });
  });
}
