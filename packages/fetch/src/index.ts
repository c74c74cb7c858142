import {
  type AdapterOptions,
  bufferBody,
  captureBody,
  type Origin,
  refuseDetour,
  sendAuthorized,
  type TokenSource,
  tokenDestination,
} from "@talkdesk-oauth/core";
import { FetchRequest, type Outgoing } from "./fetch-request.js";
import { AuthorizedHeaders, hasAuthorization, readHeaders } from "./headers.js";
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
  const { origin: api } = new URL(source.api);
  const authorizedHeaders = new AuthorizedHeaders();

  /** @returns The URL, and its origin if a token may be sent there. */
  function resolve(given: string): { readonly href: string; readonly origin: Origin | undefined } {
    // Two slashes would name another host.
    const absolute = given.startsWith("/") && !given.startsWith("//") ? api + given : given;
    const origin = mayHaveToken.recognize(absolute);
    if (origin !== undefined) return { href: absolute, origin };
    const url = parse(given, api);
    return { href: url.href, origin: mayHaveToken(url) ? url : undefined };
  }

  /** @throws What `fetch` rejects with for wrong arguments. */
  function start(input: Parameters<typeof fetch>[0], init: RequestInit | undefined): Promise<Response> {
    const settings = readSettings(init);
    const send = options.fetch ?? globalThis.fetch;
    const request = typeof input === "string" ? undefined : readRequest(input, options.fetch !== undefined);
    const { href, origin } = resolve(request?.url ?? String(input));
    const given = settings.headers ?? request?.headers;
    const headers = given === undefined ? undefined : readHeaders(given);
    const target = request === undefined ? href : input;
    const isOwn = headers !== undefined && hasAuthorization(headers);
    if (origin === undefined || isOwn) return Promise.resolve(send(target, init));

    refuseDetour(origin, settings);
    if (settings.body == null && request?.bodyUsed) {
      throw new TypeError("The body of this Request was already used.");
    }
    const outgoing: Outgoing = {
      send,
      target,
      copy: request?.copy,
      origin: origin.origin,
      settings,
      headers,
      authorizedHeaders,
      method: String(settings.method ?? request?.method ?? "GET"),
      signal: (settings.signal === undefined ? request?.signal : settings.signal) ?? undefined,
    };
    if (settings.body == null && request?.body) return sendBuffered(source, outgoing, request.body);
    return sendAuthorized(source, new FetchRequest(outgoing, captureBody(settings.body)));
  }

  return (input, init) => {
    try {
      return start(input, init);
    } catch (error) {
      return Promise.reject(error);
    }
  };
}

/** @throws TypeError for text that is not a URL, and for an object that `fetch` would convert to such text. */
function parse(given: string, api: string): URL {
  if (given.startsWith("[object ")) {
    throw new TypeError(
      `The first argument of fetch must be a URL, a string or a Request that this fetch knows, not ${given}.`,
    );
  }
  // The platform parses a base even where the URL is absolute, which would take twice the time.
  return /^https?:\/\//i.test(given) ? new URL(given) : new URL(given, api);
}

/** Reads the body of a `Request` first, except one of another library, which is left to the `fetch` that knows it. */
async function sendBuffered(
  source: TokenSource,
  outgoing: Outgoing,
  body: NonNullable<RequestSnapshot["body"]>,
): Promise<Response> {
  const isStream = typeof body.getReader === "function";
  const read = isStream ? await bufferBody(body, outgoing.signal) : { body: undefined, isReplayable: false };
  return sendAuthorized(source, new FetchRequest(outgoing, read));
}
