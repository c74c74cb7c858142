import { parseUrl } from "./parse-url.js";

/**
 * Reads an address that credentials may be sent to: an absolute URL, `https:`, or `http:` on a loopback host
 * (`localhost`, 127.0.0.0/8, `[::1]`), without a user, a password, a fragment or a dot after the host.
 *
 * @param name What the address is called where it was given; the message repeats it.
 * @throws TypeError for anything else. The message does not repeat the value, which might hold a password.
 * @example
 * const { origin } = parseSecureUrl(process.env.PORTAL_ORIGIN, "PORTAL_ORIGIN");
 */
export function parseSecureUrl(value: unknown, name: string): URL {
  const url = typeof value === "string" ? parseUrl(value) : undefined;
  if (url === undefined) throw new TypeError(`${name} must be an absolute URL.`);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url))) {
    throw new TypeError(`${name} must be https; plain http is for loopback addresses only.`);
  }
  // In `href`, since an empty fragment has no `hash`.
  if (url.username !== "" || url.password !== "" || url.href.includes("#") || url.hostname.endsWith(".")) {
    throw new TypeError(`${name} must have no user, no password, no fragment and no dot after the host.`);
  }
  return url;
}

/**
 * Returns the origin of a URL that consists of an origin alone.
 *
 * @throws TypeError for a URL with a path or a query. The message calls it `name`.
 * @internal
 */
export function requireOrigin(url: URL, name: string): string {
  if (url.pathname !== "/" || url.search !== "") {
    throw new TypeError(`${name} must be an origin, such as https://api.talkdeskapp.com, without a path.`);
  }
  return url.origin;
}

/**
 * True for a host that is this machine: `localhost`, 127.0.0.0/8 and `[::1]`. `URL` has already turned other spellings
 * of these addresses into one of them.
 * @internal
 */
export function isLoopback({ hostname }: URL): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
