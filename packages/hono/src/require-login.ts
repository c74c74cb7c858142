import { checkLoginAddress, checkOptionNames, loginRequired, readRequestFacts } from "@talkdesk-oauth/login";
import type { MiddlewareHandler } from "hono";
import { notedSession } from "./noted-session.js";

/** Options of {@link requireLogin}. */
export interface RequireLoginOptions {
  /** The address of the login in a browser: a path on this origin, or an absolute URL. Default `"/auth/login"`. */
  readonly login?: string;
}

/**
 * Lets requests pass that have a `c.get("talkdesk")`, and answers all others as `loginRequired` of
 * `@talkdesk-oauth/login` does: a browser that opens a page is redirected to the login and comes back; a form, or the
 * script of a page, gets 401 and a page with a link; a program gets 401 and problem details (RFC 9457).
 *
 * @throws TypeError
 *   - at once, when `login` is not an address, and for an unknown option;
 *   - for a request, when no `talkdesk()` is mounted before it, or when it is mounted before the login itself.
 * @example
 * app.get("/contacts", requireLogin(), async (c) => c.json(await (await c.get("talkdesk").fetch("/contacts")).json()));
 */
export function requireLogin(options: RequireLoginOptions = {}): MiddlewareHandler {
  checkOptionNames("requireLogin()", options, ["login"]);
  const { login = "/auth/login" } = options;
  checkLoginAddress(login);
  return async (c, next) => {
    if (c.get("talkdesk")) return next();
    if (!("talkdesk" in c.var)) {
      throw new TypeError("requireLogin() needs app.use(talkdesk(login.source)) before it.");
    }
    return loginRequired({ ...readRequestFacts(c.req.raw), login, session: notedSession(c) });
  };
}
