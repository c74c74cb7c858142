/**
 * Parses a URL. Returns undefined for text that is not a URL.
 *
 * Use it in place of `URL.canParse`, which in Node 20 and 22 refuses hosts beyond ASCII, such as
 * `https://bücher.example`, once the code around it has been optimised. `URL.parse` does not exist in Node 20.
 *
 * @param base The absolute URL that a relative one is resolved against. Default: none, so `value` must be absolute.
 * @example
 * const url = parseUrl(process.env.PORTAL_URL ?? "");
 * if (url === undefined) throw new TypeError("PORTAL_URL must be an absolute URL.");
 * @see WHATWG URL §6.1
 */
export function parseUrl(value: string, base?: string | URL): URL | undefined {
  try {
    return new URL(value, base);
  } catch {
    return undefined;
  }
}
