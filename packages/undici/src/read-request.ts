import { parseUrl, type RequestBody, replayableBody } from "@talkdesk-oauth/core";
import { type Dispatcher, FormData as FormDataOfUndici } from "undici";
import { destination } from "./destination.js";
import { headerIn, type ReadHeaders, readHeaders } from "./headers.js";

type Options = Dispatcher.DispatchOptions;

/** A request as it was when it was dispatched: the caller may change its own while a token is on its way. */
export interface ReadRequest {
  readonly options: Options;
  readonly headers: ReadHeaders;
  /** Where it goes. */
  readonly url: URL;
}

/**
 * Reads a request once.
 *
 * @returns Undefined for a request that undici refuses.
 */
export function readRequest(given: Options): ReadRequest | undefined {
  const options: Options & { servername?: string } = { ...given };
  const headers = readHeaders(options.headers);
  if (headers === undefined) return undefined;
  // An iterable has been read by now.
  if (Array.isArray(headers)) options.headers = headers as string[];
  if (typeof options.origin === "object") {
    const origin = parseUrl(String(options.origin));
    if (origin === undefined) return undefined;
    options.origin = origin;
  }
  if (options.query) {
    options.query = { ...options.query };
    for (const name in options.query) options.query[name] = copyOf(options.query[name]);
  }
  const { origin, path, servername } = options;
  const url = destination({ origin, path, servername, host: headerIn(headers, "host") });
  return url && { options, headers, url };
}

function copyOf(value: unknown): unknown {
  return Array.isArray(value) ? [...value] : value;
}

/** Reads a body that is sent with a token, and tells whether it can be sent again. */
export function readBody(body: Options["body"]): RequestBody<Options["body"] | null> {
  return replayableBody(body ?? null, FormDataOfUndici) as RequestBody<NonNullable<typeof body> | null>;
}
