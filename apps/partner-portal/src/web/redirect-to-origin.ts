import type { RequestHandler } from "express";

const LOOPBACK_NAME = /^(?:localhost|127\.0\.0\.1|\[::1\])(?=:|$)/;

/**
 * Redirects a browser from another name of this machine (`127.0.0.1` for `localhost`) to the configured origin. The
 * session cookie belongs to one name, and the login returns to the configured one.
 */
export function redirectToOrigin(origin: string): RequestHandler {
  const { host } = new URL(origin);
  return (request, response, next) => {
    const asked = request.get("Host") ?? "";
    const isOtherName =
      asked !== host &&
      LOOPBACK_NAME.test(asked) &&
      asked.replace(LOOPBACK_NAME, "") === host.replace(LOOPBACK_NAME, "");
    // A request target in absolute form, as sent to proxies, would change the host of the redirect.
    if (isOtherName && request.method === "GET" && request.originalUrl.startsWith("/")) {
      response.redirect(origin + request.originalUrl);
    } else next();
  };
}
