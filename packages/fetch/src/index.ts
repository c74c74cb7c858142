import {
  type AdapterOptions,
  bufferedBody,
  discardBody,
  isTokenRefusal,
  replayableBody,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";

/** Options of {@link talkdeskFetch}. */
export interface TalkdeskFetchOptions extends AdapterOptions {
  /** Sends the requests; it must follow the Fetch standard. Default: the global `fetch`, looked up per call. */
  readonly fetch?: typeof fetch;
}

/**
 * A `fetch` that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * A relative URL is resolved against the gateway. A 401 is answered by sending the request once more with another
 * token, if the source has one and the body can be sent again: a `Request` with a body of up to 64 KiB and everything
 * but streams can. Requests to other origins, and those with an `Authorization` of their own, pass untouched. Redirects
 * are followed as the Fetch standard says, so the token does not leave its origin.
 *
 * @throws TypeError at once, when source or options could not be used.
 * @returns A function that rejects as `fetch` does, and with the source's `TalkdeskError` when there is no token to
 *   send. Aborting during a wait for a token rejects with the signal's reason and sends nothing.
 */
export function talkdeskFetch(source: TokenSource, options: TalkdeskFetchOptions = {}): typeof fetch {
  const mayHaveToken = tokenDestination(source, options);
  return async (input, init) => {
    const settings = settingsOf(init);
    const send = options.fetch ?? globalThis.fetch;
    const request = typeof input === "object" && "url" in input ? input : undefined;
    const given = request?.url ?? String(input);
    // A base is parsed even where it is not needed.
    const url = /^https?:\/\//i.test(given) ? new URL(given) : new URL(given, source.api);
    const headers = new Headers(settings.headers ?? request?.headers);
    const target = request ?? url.href;
    if (!mayHaveToken(url) || headers.has("authorization")) return send(target, init);

    if (settings.body == null && request?.bodyUsed) {
      throw new TypeError("The body of this Request was already used.");
    }
    const signal = (settings.signal === undefined ? request?.signal : settings.signal) ?? undefined;
    const { body, isReplayable } =
      settings.body == null && request?.body
        ? await bufferedBody(request.body, signal)
        : replayableBody(settings.body);
    const method = (settings.method ?? request?.method ?? "GET").toUpperCase();

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
      isRefusal: (response) =>
        isTokenRefusal(response.status, response.headers.get("www-authenticate")) &&
        (!response.redirected || new URL(response.url).origin === url.origin),
      // What answered a redirected request with a refusal is not what acted on it.
      isReplayable: (response) =>
        isReplayable && (!response.redirected || method === "GET" || method === "HEAD"),
      discard: (response) => discardBody(response.body),
    });
  };
}

/**
 * What the caller says now: it may change `init` while a token is on its way, and `fetch` too reads it when called. A
 * `Request` in its place has its members in the prototype, where spreading does not find them.
 */
function settingsOf(init: RequestInit | undefined): RequestInit {
  const settings: Record<string, unknown> = {};
  for (const name in init) settings[name] = init[name as keyof RequestInit];
  return settings as RequestInit;
}
