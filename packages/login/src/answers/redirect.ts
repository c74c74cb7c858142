/**
 * Sends a browser elsewhere. Characters that a header cannot hold are percent-encoded.
 *
 * @param status 302, or 303 after a POST.
 */
export function redirect(status: 302 | 303, address: string): Response {
  const location = address.replace(/[^\x21-\x7e]+/g, (run) => encodeURIComponent(run));
  return new Response(null, { status, headers: { "Cache-Control": "no-store", Location: location } });
}
