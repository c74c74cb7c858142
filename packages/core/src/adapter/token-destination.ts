import { parseSecureUrl, requireOrigin } from "../base/secure-url.js";
import { GATEWAYS } from "../client/endpoints.js";
import type { TokenSource } from "../token/token-source.js";

/** The options that all adapters have. */
export interface AdapterOptions {
  /** Further origins that may receive the token, such as `https://files.example.com`. The source's `api` always may. */
  readonly origins?: readonly string[] | undefined;
}

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
export function tokenDestination(source: TokenSource, options: AdapterOptions = {}): (url: URL) => boolean {
  if (typeof source?.getToken !== "function") {
    throw new TypeError("The first argument must be a token source, such as clientCredentials(client).");
  }
  const { origins = [] } = options;
  if (!Array.isArray(origins)) throw new TypeError("origins must be a list of origins.");
  const allowed = [
    requireOrigin(parseSecureUrl(source.api, "The source's api"), "The source's api"),
    ...origins.map((origin, index) =>
      requireOrigin(parseSecureUrl(origin, `origins[${index}]`), `origins[${index}]`),
    ),
  ].map((origin) => `${origin}/`);
  const tokenEndpoint = source.tokenEndpoint === undefined ? undefined : new URL(source.tokenEndpoint);
  return (url) => {
    // Not by origin: a `blob:` URL has that too, and a URL with a user has credentials of the caller's own.
    if (allowed.some((start) => url.href.startsWith(start))) {
      return !(
        tokenEndpoint !== undefined &&
        url.pathname === tokenEndpoint.pathname &&
        url.origin === tokenEndpoint.origin
      );
    }
    if (GATEWAYS.has(url.origin) && !allowed.includes(`${url.origin}/`)) source.reportWithheld?.(url.origin);
    return false;
  };
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
