import type { Request, RequestHandler } from "express";
import { prefersHtml } from "./browser-request.js";
import { sendProblem } from "./problem.js";
import { MAX_RETURN_TO_LENGTH } from "./return-to.js";

/** Options of {@link requireLogin}. */
export interface RequireLoginOptions {
  /** The address of the login: a path on this origin, or elsewhere. Default `"/auth/login"`. */
  readonly login?: string;
}

/**
 * Lets those pass who have a `req.talkdesk`. Browsers that want a page are sent to the login, and come back to where
 * they were; everybody else gets 401 as problem details (RFC 9457), with `WWW-Authenticate` (RFC 6750 §3).
 *
 * The installation that an AppConnect launch names, `talkdesk_installation_id`, is handed on to the login.
 *
 * @throws TypeError at once, when `login` is no address; through `next`, when no `talkdesk()` was before it or when it
 *   stands before the login itself.
 */
export function requireLogin(options: RequireLoginOptions = {}): RequestHandler {
  const { login = "/auth/login" } = options;
  if (typeof login !== "string" || !/^(\/(?![/\\])|https?:\/\/)[^\s#\p{Cc}]*$/u.test(login)) {
    throw new TypeError('login must be the address of the login, such as "/auth/login".');
  }
  const [loginPath] = login.split("?", 1);
  return (request, response, next) => {
    if (request.talkdesk) {
      next();
    } else if (!("talkdesk" in request)) {
      next(new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it."));
    } else if (request.originalUrl.split("?", 1)[0] === loginPath) {
      next(new TypeError("The login must stand before requireLogin(), which would send it to itself."));
    } else if (isReading(request) && prefersHtml(request)) {
      response.vary("Accept").set("Cache-Control", "no-store");
      response.redirect(302, `${login}${login.includes("?") ? "&" : "?"}${loginParameters(request)}`);
    } else {
      response.vary("Accept");
      sendProblem(response, { status: 401, title: "Sign in first", detail: "Nobody is signed in here." });
    }
  };
}

const isReading = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

function loginParameters({ originalUrl }: Request): URLSearchParams {
  const parameters = new URLSearchParams();
  // An address that is too long would end at the header limit of the next request.
  if (originalUrl.length <= MAX_RETURN_TO_LENGTH) parameters.set("returnTo", originalUrl);
  const [, query = ""] = originalUrl.split(/\?(.*)/s);
  const [installation, ...others] = new URLSearchParams(query).getAll("talkdesk_installation_id");
  if (installation !== undefined && others.length === 0) {
    parameters.set("talkdesk_installation_id", installation);
  }
  return parameters;
}
