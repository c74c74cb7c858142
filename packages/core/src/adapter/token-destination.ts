import { parseSecureUrl, requireOrigin } from "../base/secure-url.js";
import { GATEWAYS } from "../client/endpoints.js";
import type { TokenSource } from "../token/token-source.js";

/** The options that all adapters have. */
export interface AdapterOptions {
  /** Further origins that may receive the token, such as `https://files.example.com`. The source's `api` always may. */
  readonly origins?: readonly string[] | undefined;
}

/** The members of a `URL` that say where a request goes. */
export type Origin = Readonly<Pick<URL, "origin" | "protocol" | "host" | "hostname" | "port">>;

/** Says which requests may carry a token: see {@link tokenDestination}. */
export interface TokenDestination {
  /** True for a URL that a token may be sent to. */
  (url: URL): boolean;
  /**
   * Recognizes a URL that a token may be sent to, without parsing it. It knows URLs that `new URL` would not change, apart
   * from the slash after an origin alone. Nearly all requests have such a URL.
   *
   * @returns The origin of the URL. Undefined for any other text, which then has to be parsed. For an origin alone, all of its
   * URLs may have a token.
   */
  recognize(text: string): Origin | undefined;
}

/**
 * The pattern of a path with a query that the URL parser leaves as they are: it has these characters only, and no `.` or
 * `..` as the name of a directory, also not as `%2e`.
 *
 * @see WHATWG URL §1.3 and §4.4
 */
const UNCHANGED_PATH = String.raw`/(?!\.)[\w\-.~!$&()*+,;=:@?]*(?:(?:/(?!\.)|%(?!2[eE]))[\w\-.~!$&()*+,;=:@?]*)*`;

interface ReadOrigin extends Origin {
  /** Matches the URLs of this origin that {@link TokenDestination.recognize} finds. */
  readonly unchangedUrl: RegExp;
}

/** The origins that were read before, as they were given. */
const readOrigins = new Map<unknown, ReadOrigin>();

/** More than an app has. A process that has more, such as a test, reads them again. */
const MAX_READ_ORIGINS = 100;

/**
 * Returns a function that says whether a request to a URL may carry a token of the source: a URL at its `api` or at one
 * of `origins`, other than its token endpoint. An adapter passes all other requests on untouched. The source is told of
 * requests to another gateway of Talkdesk (`token_withheld`), since those are seldom meant to go without a token.
 *
 * @throws TypeError for an origin that has a path, or is neither `https:` nor on a loopback address.
 * @example
 * const mayHaveToken = tokenDestination(source, { origins: ["https://files.example.com"] });
 * if (!mayHaveToken(url)) return fetch(url, init);
 */
export function tokenDestination(source: TokenSource, options: AdapterOptions = {}): TokenDestination {
  if (typeof source?.getToken !== "function") {
    throw new TypeError("The first argument must be a token source, such as clientCredentials(client).");
  }
  const { origins = [] } = options;
  if (!Array.isArray(origins)) throw new TypeError("origins must be a list of origins.");
  const allowed = [
    readOrigin(source.api, "The source's api"),
    ...origins.map((origin, index) => readOrigin(origin, `origins[${index}]`)),
  ];
  const tokenEndpoint = source.tokenEndpoint === undefined ? undefined : new URL(source.tokenEndpoint);
  const tokenUrl = tokenEndpoint === undefined ? undefined : tokenEndpoint.origin + tokenEndpoint.pathname;

  function mayHaveToken(url: URL): boolean {
    // Not by origin: a `blob:` URL has that too, and a URL with a user has credentials of the caller's own.
    if (allowed.some(({ origin }) => url.href.startsWith(`${origin}/`))) {
      return !(
        tokenEndpoint !== undefined &&
        url.pathname === tokenEndpoint.pathname &&
        url.origin === tokenEndpoint.origin
      );
    }
    if (GATEWAYS.has(url.origin) && !allowed.some(({ origin }) => origin === url.origin)) {
      source.reportWithheld?.(url.origin);
    }
    return false;
  }

  return Object.assign(mayHaveToken, {
    recognize(text: string) {
      // At the origin of the token endpoint, the path decides.
      if (text === tokenEndpoint?.origin || (tokenUrl !== undefined && text.startsWith(tokenUrl)))
        return undefined;
      for (const each of allowed) if (each.unchangedUrl.test(text)) return each;
      return undefined;
    },
  });
}

/** Reads an origin, once for all destinations, since a web app may make one for each request. */
function readOrigin(given: unknown, name: string): ReadOrigin {
  const earlier = readOrigins.get(given);
  if (earlier !== undefined) return earlier;
  const url = parseSecureUrl(given, name);
  const origin = requireOrigin(url, name);
  const { protocol, host, hostname, port } = url;
  const unchangedUrl = new RegExp(`^${origin.replace(/[.[\]]/g, "\\$&")}(?:${UNCHANGED_PATH})?$`);
  const read = { origin, protocol, host, hostname, port, unchangedUrl };
  if (readOrigins.size === MAX_READ_ORIGINS) readOrigins.clear();
  readOrigins.set(given, read);
  return read;
}

/**
 * True for the address of this machine: 127.0.0.0/8, `::1`, or the former as IPv6. Plain http with a token must be
 * connected to such an address, whatever host the URL names.
 *
 * @param address The address at the far end of a connection, as `socket.remoteAddress` of Node gives it.
 * @example
 * socket.once("connect", () => {
 *   if (!isLoopbackAddress(socket.remoteAddress ?? "")) socket.destroy();
 * });
 */
export function isLoopbackAddress(address: string): boolean {
  return /^(?:::ffff:)?127\.|^::1$/.test(address);
}
