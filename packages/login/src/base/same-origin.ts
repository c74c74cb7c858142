import { parseUrl } from "@talkdesk-oauth/core";

/**
 * True unless a request comes from a page of another origin: the check against cross-site request forgery.
 *
 * Browsers name the sender in `Sec-Fetch-Site`, or at least in `Origin` or `Referer`. A client that sends none of them is
 * not a browser, so no other site can be using its cookies.
 *
 * @param origin The app's own origin, from its configuration.
 * @example
 * if (request.method === "POST" && !isSameOrigin(request, "https://app.example.com")) {
 *   return new Response(null, { status: 403 });
 * }
 * @see W3C, "Fetch Metadata Request Headers", §2.4
 */
export function isSameOrigin(
  { headers }: { readonly headers: { get(name: string): string | null } },
  origin: string,
): boolean {
  const site = headers.get("Sec-Fetch-Site");
  // "none": the user typed the address, or reloaded a page that was the result of a form.
  if (site !== null) return site === "same-origin" || site === "none";
  const sender = headers.get("Origin");
  if (sender !== null) return sender === origin;
  const page = headers.get("Referer");
  return page === null || parseUrl(page)?.origin === origin;
}
