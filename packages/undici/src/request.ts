import {
  captureBody,
  type Origin,
  parseUrl,
  type RequestBody,
  type TokenDestination,
} from "@talkdesk-oauth/core";
import { type Dispatcher, FormData as FormDataOfUndici } from "undici";
import { copyValue, findHeader, type RequestHeaders, readHeaders } from "./headers.js";

type Options = Dispatcher.DispatchOptions;

/** A copy of a request as it was dispatched: the caller may change its own while the request waits for a token. */
export interface RequestSnapshot {
  readonly options: Options;
  readonly headers: RequestHeaders;
  /** Where the request goes: see {@link resolveDestination}. */
  readonly origin: Origin;
  /** Whether it may have a token: one may go there, and the caller has given no `Authorization`. */
  readonly mayHaveToken: boolean;
}

/**
 * Reads a request once, without its body.
 *
 * @returns Undefined for a request that undici refuses.
 */
export function readRequest(given: Options, mayHaveToken: TokenDestination): RequestSnapshot | undefined {
  // With places for what is set below: V8 takes longer to add a member to a spread copy than to make the copy.
  const options: Options & { servername?: string } = { headers: null, body: null, ...given };
  const headers = readHeaders(options.headers);
  if (headers === undefined) return undefined;
  // An iterable can be read only once, so undici gets the list that was read from it.
  if (Array.isArray(headers)) options.headers = headers as string[];
  if (typeof options.origin === "object") {
    const origin = parseUrl(String(options.origin));
    if (origin === undefined) return undefined;
    options.origin = origin;
  }
  if (options.query) {
    options.query = { ...options.query };
    for (const name in options.query) options.query[name] = copyValue(options.query[name]);
  }
  const { origin, path, servername } = options;
  const host = findHeader(headers, "host");
  const isOwn = options.method === "CONNECT" || findHeader(headers, "authorization") !== undefined;
  if (typeof origin === "string" && !servername && host === undefined) {
    const known = mayHaveToken.recognize(origin);
    if (known?.origin === origin) return { options, headers, origin: known, mayHaveToken: !isOwn };
  }
  const url = resolveDestination({ origin, path, servername, host });
  return url && { options, headers, origin: url, mayHaveToken: !isOwn && mayHaveToken(url) };
}

/** Reads the body of a request that is sent with a token, and tells whether it can be sent again. */
export function readBody(body: Options["body"]): RequestBody<Options["body"] | null> {
  return captureBody(body ?? null, FormDataOfUndici) as RequestBody<NonNullable<typeof body> | null>;
}

/** The options of a request that decide where it goes. */
type Addressing = Pick<Options, "path"> & {
  readonly origin: string | URL | undefined;
  readonly servername?: string | null | undefined;
  /** The `Host` header: undici has TLS verify this name in place of the URL's. */
  readonly host?: unknown;
};

/**
 * Tells where a request goes, by the name that TLS verifies. That name differs from the one in the origin when the caller
 * sets `Host`, and when undici's `dns` interceptor has replaced the name with an address.
 *
 * @returns A URL without a query; undefined for an origin that is not a URL.
 */
export function resolveDestination({ origin, path, servername, host }: Addressing): URL | undefined {
  const url = parseUrl(String(origin));
  if (url === undefined) return undefined;
  if (url.protocol === "https:") {
    const verified = servername || readHostName(host);
    if (verified) url.hostname = verified;
  }
  url.pathname = String(path).split("?", 1)[0] ?? "";
  return url;
}

/** The name in a `Host` header; undefined for an address, which undici does not have TLS verify. */
function readHostName(host: unknown): string | undefined {
  const name = typeof host === "string" ? host.replace(/:\d*$/, "") : "";
  return /^\[|^[\d.]+$|^$/.test(name) ? undefined : name;
}
