import { parseSecureUrl, requireOrigin } from "../base/secure-url.js";
import type { TokenSource } from "../token/token-source.js";

/** What every adapter lets its user choose. */
export interface AdapterOptions {
  /** Further origins that may receive the token, such as `https://files.example.com`. The source's `api` always may. */
  readonly origins?: readonly string[] | undefined;
}

/**
 * Tells which requests the source's token may go with: those to its `api` and to `origins`, not to its token endpoint.
 * Everything else passes an adapter untouched.
 *
 * @throws TypeError at once, when an origin has a path, or is neither `https:` nor on a loopback address.
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
  return (url) =>
    // Not its origin, which a `blob:` URL shares, and one with a user: that is an Authorization header of the caller's own.
    allowed.some((start) => url.href.startsWith(start)) &&
    !(
      tokenEndpoint !== undefined &&
      url.pathname === tokenEndpoint.pathname &&
      url.origin === tokenEndpoint.origin
    );
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
