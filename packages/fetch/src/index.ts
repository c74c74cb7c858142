import {
  type AdapterOptions,
  bufferBody,
  captureBody,
  discardBody,
  isRefusalError,
  isTokenRefusal,
  type RequestBody,
  refuseDetour,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import { type RequestSnapshot, readRequest, readSettings } from "./read-request.js";

/** Options of {@link talkdeskFetch}. */
export interface TalkdeskFetchOptions extends AdapterOptions {
  /** Sends the requests, and must follow the Fetch standard. Default: the global `fetch`, looked up at each call. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * Makes a `fetch` that sends a token of `source` to the source's gateway, and to no other origin.
 *
 * A relative URL is resolved against the gateway. After a 401, the request is sent once more with another token, if the
 * source has one and the body can be sent again: all bodies of the platform can except streams, and so can a `Request`
 * with a body of up to 64 KiB. Requests to other origins, and those with an `Authorization` of their own, pass untouched.
 * Redirects are followed as the Fetch standard says, so the token stays within its origin.
 *
 * A cache must be given as the option `fetch`, beneath: one around the result would give a user the responses of another.
 *
 * @throws TypeError at once, for a source or options that cannot be used.
 * @returns A function that rejects as `fetch` does, and with
 *
 *   - the source's `TalkdeskError` when there is no token to send, and with `reauthentication_required` when a 401 shows
 *     that the user's session is over;
 *   - the signal's reason when the caller aborts during a wait for a token; nothing is sent then;
 *   - a `TypeError` for a dispatcher, socket or proxy that leads elsewhere than the URL.
 *
 * @example
 * const fetch = talkdeskFetch(clientCredentials(talkdeskClientFromEnv()));
 * const response = await fetch("/contacts");
 * @see WHATWG Fetch §5.4 and §4.4
 */
export function talkdeskFetch(source: TokenSource, options: TalkdeskFetchOptions = {}): typeof fetch {
  const mayHaveToken = tokenDestination(source, options);
  return async (input, init) => {
    const settings = readSettings(init);
    const send = options.fetch ?? globalThis.fetch;
    const request = typeof input === "string" ? undefined : readRequest(input, options.fetch !== undefined);
    const url = resolveUrl(request?.url ?? String(input), source.api);
    const given = settings.headers ?? request?.headers;
    const headers = given === undefined ? undefined : new Headers(given);
    const target = request === undefined ? url.href : input;
    if (!mayHaveToken(url) || headers?.has("authorization")) return send(target, init);

    refuseDetour(url, settings);
    if (settings.body == null && request?.bodyUsed) {
      throw new TypeError("The body of this Request was already used.");
    }
    const signal = (settings.signal === undefined ? request?.signal : settings.signal) ?? undefined;
    const { body, isReplayable } =
      settings.body == null && request?.body
        ? await readRequestBody(request.body, signal)
        : captureBody(settings.body);
    let isRouteUnknown = false;

    return sendAuthorized(source, {
      method: String(settings.method ?? request?.method ?? "GET"),
      isReplayable,
      signal,
      send(token) {
        const authorized = new Headers(headers);
        authorized.set("authorization", token.authorization);
        return send(request?.copy?.() ?? target, {
          ...settings,
          ...(request?.copy && signal && { signal }),
          headers: authorized,
          ...(body != null && { body, duplex: "half" }),
        });
      },
      answerIn(error) {
        if (!isRefusalError(error)) return undefined;
        const response = findResponse(error);
        isRouteUnknown = response === undefined && !/^(?:manual|error)$/.test(settings.redirect ?? "");
        return response ?? new Response(null, { status: 401 });
      },
      isRefusal: (response) =>
        response.status === 401 &&
        isTokenRefusal(response.status, response.headers.get("www-authenticate")) &&
        (!response.redirected || new URL(response.url).origin === url.origin),
      isRedirected: (response) => response.redirected || isRouteUnknown,
      discard: (response) => discardBody(response.body),
    });
  };
}

/** @throws TypeError for text that is not a URL, and for an object that `fetch` would convert to such text. */
function resolveUrl(given: string, api: string): URL {
  if (given.startsWith("[object ")) {
    throw new TypeError(
      `The first argument of fetch must be a URL, a string or a Request that this fetch knows, not ${given}.`,
    );
  }
  // The platform parses a base even where the URL is absolute, which would take twice the time.
  return /^https?:\/\//i.test(given) ? new URL(given) : new URL(given, api);
}

/** Reads the body of a `Request`, except one of another library, which is left to the `fetch` that knows it. */
async function readRequestBody(
  body: NonNullable<RequestSnapshot["body"]>,
  signal: AbortSignal | undefined,
): Promise<RequestBody<Blob | ReadableStream<Uint8Array> | undefined>> {
  if (typeof body.getReader !== "function") return { body: undefined, isReplayable: false };
  return bufferBody(body, signal);
}

/** The response in an error that the `fetch` beneath has thrown for a status. */
function findResponse(error: unknown): Response | undefined {
  const { response } = error as { readonly response?: Partial<Response> };
  return typeof response?.headers?.get === "function" ? (response as Response) : undefined;
}
