import type { RequestHandler } from "express";
import { prefersHtml } from "./browser-request.js";
import { sendErrorPage } from "./error-page.js";
import { checkLoginAddress, isReading, loginAddressFor } from "./login-address.js";
import { sendProblem } from "./problem.js";

/** Options of {@link requireLogin}. */
export interface RequireLoginOptions {
  /** The address of the login: a path on this origin, or elsewhere. Default `"/auth/login"`. */
  readonly login?: string;
}

/**
 * Lets those pass who have a `req.talkdesk`. Browsers that want a page are sent to the login, and come back to where
 * they were. Browsers that send something, such as a form, get 401 and a page with a link to the login, which does not
 * lead back: what was sent is lost. Everybody else gets 401 as problem details (RFC 9457). Each 401 has
 * `WWW-Authenticate` (RFC 6750 §3).
 *
 * The installation that an AppConnect launch names, `talkdesk_installation_id`, is handed on to the login.
 *
 * @throws TypeError at once, when `login` is no address; through `next`, when no `talkdesk()` was before it or when it
 *   stands before the login itself.
 */
export function requireLogin(options: RequireLoginOptions = {}): RequestHandler {
  const { login = "/auth/login" } = options;
  checkLoginAddress(login);
  const [loginPath] = login.split("?", 1);
  return (request, response, next) => {
    if (request.talkdesk) {
      next();
      return;
    }
    if (!("talkdesk" in request)) {
      next(new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."));
      return;
    }
    if (request.originalUrl.split("?", 1)[0] === loginPath) {
      next(new TypeError("The login must stand before requireLogin(), which would send it to itself."));
      return;
    }
    response.vary("Accept");
    if (!prefersHtml(request)) {
      sendProblem(response, { status: 401, detail: "Nobody is signed in here. Sign in first." });
    } else if (isReading(request)) {
      response.set("Cache-Control", "no-store").redirect(302, loginAddressFor(login, request));
    } else {
      sendErrorPage(response, {
        status: 401,
        title: "Sign in first",
        text: ["Nobody is signed in here, so nothing was done with what you sent."],
        link: { name: "Sign in", address: loginAddressFor(login, request) },
      });
    }
  };
}
