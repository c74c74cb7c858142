import {
  type AdapterOptions,
  bufferedBody,
  discardBody,
  isRefusalError,
  isTokenRefusal,
  type RequestBody,
  refuseDetour,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import { sentRequest, settingsOf } from "./sent-request.js";

/** Options of {@link talkdeskFetch}. */
export interface TalkdeskFetchOptions extends AdapterOptions {
  /** Sends the requests; it must follow the Fetch standard. Default: the global `fetch`, looked up per call. */
  readonly fetch?: typeof fetch;
}

/**
 * A `fetch` that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * A relative URL is resolved against the gateway. A 401 is answered by sending the request once more with another
 * token, if the source has one and the body can be sent again: a `Request` with a body of up to 64 KiB can, and
 * everything of the platform's but streams. Requests to other origins, and those with an `Authorization` of their own,
 * pass untouched. Redirects are followed as the Fetch standard says, so the token does not leave its origin. A cache
 * goes beneath, as the option `fetch`: above, it would give one user the answers of another.
 *
 * @throws TypeError at once, when source or options could not be used.
 * @returns A function that rejects as `fetch` does, and with the source's `TalkdeskError` when there is no token to
 *   send, or when a 401 shows that the user's session is over. Aborting during a wait for a token rejects with the
 *   signal's reason and sends nothing. A `TypeError` for a dispatcher, socket or proxy that leads elsewhere than the URL.
 *
 * @example
 * const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv()));
 * const response = await fetch("/contacts");
 */
export function talkdeskFetch(source: TokenSource, options: TalkdeskFetchOptions = {}): typeof fetch {
  const mayHaveToken = tokenDestination(source, options);
  return async (input, init) => {
    const settings = settingsOf(init);
    const send = options.fetch ?? globalThis.fetch;
    const request = typeof input === "string" ? undefined : sentRequest(input, options.fetch !== undefined);
    const url = address(request?.url ?? String(input), source.api);
    const headers = new Headers(settings.headers ?? request?.headers);
    const target = request === undefined ? url.href : input;
    const shownUrl = request?.shownUrl;
    const isAllowed =
      mayHaveToken(url) && (shownUrl === undefined || mayHaveToken(address(shownUrl, source.api)));
    if (!isAllowed || headers.has("authorization")) return send(target, init);

    refuseDetour(url, settings);
    if (settings.body == null && request?.bodyUsed) {
      throw new TypeError("The body of this Request was already used.");
    }
    const signal = (settings.signal === undefined ? request?.signal : settings.signal) ?? undefined;
    const method = String(settings.method ?? request?.method ?? "GET").toUpperCase();
    const isSafe = method === "GET" || method === "HEAD";
    const { body, isReplayable } =
      settings.body == null && request?.body
        ? await bodyOfRequest(request.body, signal)
        : replayableBody(settings.body);
    let hasUnknownPath = false;

    return sendAuthorized(source, {
      signal,
      send(token) {
        const authorized = new Headers(headers);
        authorized.set("authorization", token.authorization);
        return send(target, {
          ...settings,
          headers: authorized,
          ...(body != null && { body, duplex: "half" }),
        });
      },
      answerIn(error) {
        if (!isRefusalError(error)) return undefined;
        const response = responseIn(error);
        hasUnknownPath = response === undefined && !/^(?:manual|error)$/.test(settings.redirect ?? "");
        return response ?? new Response(null, { status: 401 });
      },
      isRefusal: (response) =>
        response.status === 401 &&
        isTokenRefusal(response.status, response.headers.get("www-authenticate")) &&
        (!response.redirected || new URL(response.url).origin === url.origin),
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: (response) => isReplayable && (isSafe || !(response.redirected || hasUnknownPath)),
      discard: (response) => discardBody(response.body),
    });
  };
}

/** @throws TypeError for what is no URL, and for an object that has none to show. */
function address(given: string, api: string): URL {
  if (given.startsWith("[object ")) {
    throw new TypeError(
      `The first argument of fetch must be a URL, a string or a Request that this fetch knows, not ${given}.`,
    );
  }
  // A base is parsed even where it is not needed.
  return /^https?:\/\//i.test(given) ? new URL(given) : new URL(given, api);
}

/** The body of a `Request` of another kind is left to the fetch that knows it. */
async function bodyOfRequest(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<RequestBody<Blob | ReadableStream<Uint8Array> | undefined>> {
  if (typeof body.getReader !== "function") return { body: undefined, isReplayable: false };
  return bufferedBody(body, signal);
}

/** The response in an error that the fetch beneath has made of it. */
function responseIn(error: unknown): Response | undefined {
  const { response } = error as { readonly response?: Partial<Response> };
  return typeof response?.headers?.get === "function" ? (response as Response) : undefined;
}
