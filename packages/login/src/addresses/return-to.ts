import { parseUrl } from "@talkdesk-oauth/core";

/** More than the address of any page, and little enough for the address of a login that carries it. */
export const MAX_RETURN_TO_LENGTH = 2_048;

/** How often it may be percent-encoded: servers and proxies decode addresses, and some do it more than once. */
const MAX_DECODINGS = 4;

/** Stands for the origin of the app, which no path may leave. */
const HERE = "http://return-to.invalid";

/**
 * Parses an untrusted path that a browser is to be sent to: a path on this origin that is not one of `own`, in every
 * decoding.
 *
 * @param wanted What the request asks for. A stranger may have written it.
 * @param own Paths that it must not lead to, such as those of the login.
 * @returns The path as browsers read it; undefined for everything else.
 * @example
 * const path = parseReturnTo(url.searchParams.get("returnTo"), ["/auth/login", "/auth/callback"]) ?? "/";
 */
export function parseReturnTo(wanted: unknown, own: readonly string[] = []): string | undefined {
  if (typeof wanted !== "string" || !wanted.startsWith("/") || wanted.length > MAX_RETURN_TO_LENGTH) {
    return undefined;
  }
  // Browsers drop some of these and read on.
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
 * Decodes what can be decoded and leaves the rest as it is. A strict decoder would give up at one bad sequence, and see
 * nothing of what a lenient one finds behind it. `%u002f` is what JavaScript's `unescape` reads.
 */
function decodedOnce(path: string): string {
  return path
    .replace(
      /(?:%[\da-f]{2})+/gi,
      (run) => strictlyDecoded(run) ?? run.replace(/%[0-7][\da-f]/gi, (byte) => decodeURIComponent(byte)),
    )
    .replace(/%u([\da-f]{4})/gi, (_sequence, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** True for a path that leads to no other host: neither as it stands, nor once its dots are resolved. */
function staysHere(path: string): boolean {
  if (/^\/\/|[\\\p{Cc}]/u.test(path)) return false;
  const url = parseUrl(path, HERE);
  return url !== undefined && url.origin === HERE && !url.pathname.startsWith("//");
}

/** Routers overlook case and a slash at the end, and some of them doubled slashes. */
function comparable(path: string): string {
  const pathname = parseUrl(path.replace(/\/{2,}/g, "/"), HERE)?.pathname ?? path;
  return pathname
    .replace(/\/{2,}/g, "/")
    .replace(/\/$/, "")
    .toLowerCase();
}
