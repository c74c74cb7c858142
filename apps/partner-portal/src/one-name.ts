import type { RequestHandler } from "express";

const loopbackName = /^(?:localhost|127\.0\.0\.1|\[::1\])(?=:|$)/;

/**
 * Sends a browser that has the machine's other name in its address bar (`localhost` for `127.0.0.1`) to the configured
 * one: a session belongs to one name, and the login comes back to that.
 */
export function oneName(origin: string): RequestHandler {
  const { host } = new URL(origin);
  return (request, response, next) => {
    const asked = request.get("Host") ?? "";
    const isOtherName =
      asked !== host &&
      loopbackName.test(asked) &&
      asked.replace(loopbackName, "") === host.replace(loopbackName, "");
    // What does not begin with a slash would change the host when put behind it.
    if (isOtherName && request.method === "GET" && request.originalUrl.startsWith("/")) {
      response.redirect(origin + request.originalUrl);
    } else next();
  };
}
