/**
 * Makes Web `Headers` from the headers of a Node request, without the pseudo-headers of HTTP/2.
 *
 * @example
 * const request = new Request("https://app.example.com/auth/login", { headers: toWebHeaders(nodeRequest.headers) });
 */
export function toWebHeaders(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): Headers {
  const webHeaders = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(":")) webHeaders.set(name, [value].flat().join(", "));
  }
  return webHeaders;
}
