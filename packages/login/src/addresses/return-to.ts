import { parseUrl } from "@talkdesk-oauth/core";

/** Longer than the address of any page, and short enough to fit into the address of a login. */
export const MAX_RETURN_TO_LENGTH = 2_048;

/**
 * How many layers of percent-encoding are checked: servers and proxies decode addresses, some of them more than once.
 */
const MAX_DECODINGS = 4;

/** A placeholder for the app's origin, which no path may leave. */
const HERE = "http://return-to.invalid";

/**
 * Parses an untrusted path to redirect a browser to. It must be a path on this origin, and not one of `own`, however
 * often it is decoded.
 *
 * @param wanted The path that the request names. An attacker may have written it.
 * @param own Paths that it must not lead to, such as the login's own routes.
 * @returns The path as browsers read it; undefined for everything else.
 * @example
 * const path = parseReturnTo(url.searchParams.get("returnTo"), ["/auth/login", "/auth/callback"]) ?? "/";
 */
export function parseReturnTo(wanted: unknown, own: readonly string[] = []): string | undefined {
  if (typeof wanted !== "string" || !wanted.startsWith("/") || wanted.length > MAX_RETURN_TO_LENGTH) {
    return undefined;
  }
  // Browsers ignore some of these characters.
  const url = /[\p{Cc}\p{Cs}\u2028\u2029]/u.test(wanted) ? undefined : parseUrl(wanted, HERE);
  if (url === undefined || url.origin !== HERE || strictlyDecoded(url.pathname) === undefined)
    return undefined;
  const ownPaths = own.map(comparable);
  let reading = url.pathname;
  for (let decodings = 0; ; decodings++) {
    if (!staysHere(reading) || ownPaths.includes(comparable(reading))) return undefined;
    const decoded = decodedOnce(reading);
    if (decoded === reading) return `${url.pathname}${url.search}${url.hash}`;
    if (decodings === MAX_DECODINGS) return undefined;
    reading = decoded;
  }
}

/** Undefined when a sequence in it is malformed. */
function strictlyDecoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}

/**
 * Decodes every valid sequence and leaves the rest as it is. A strict decoder would fail at one bad sequence, and miss
 * what a lenient decoder finds after it. `%u002f` is a sequence that JavaScript's `unescape` decodes.
 */
function decodedOnce(path: string): string {
  return path
    .replace(
      /(?:%[\da-f]{2})+/gi,
      (run) => strictlyDecoded(run) ?? run.replace(/%[0-7][\da-f]/gi, (byte) => decodeURIComponent(byte)),
    )
    .replace(/%u([\da-f]{4})/gi, (_sequence, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** True for a path that stays on this host, both as it is written and after its dot segments are resolved. */
function staysHere(path: string): boolean {
  if (/^\/\/|[\\\p{Cc}]/u.test(path)) return false;
  const url = parseUrl(path, HERE);
  return url !== undefined && url.origin === HERE && !url.pathname.startsWith("//");
}

/** Routers ignore case and a trailing slash, and some ignore doubled slashes. */
function comparable(path: string): string {
  const pathname = parseUrl(path.replace(/\/{2,}/g, "/"), HERE)?.pathname ?? path;
  return pathname
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .toLowerCase();
}
