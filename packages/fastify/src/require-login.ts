import { checkLoginAddress, checkOptionNames, loginRequired } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isForLogin } from "./login-routes.js";
import { notedSessions } from "./noted-session.js";
import { factsOf, sendWebResponse } from "./web-exchange.js";

/** Options of {@link requireLogin}. */
export interface RequireLoginOptions {
  /** The address of the login in a browser: a path on this origin, or an absolute URL. Default `"/auth/login"`. */
  readonly login?: string;
}

/**
 * A hook, `onRequest` or `preHandler`, that lets requests pass which have a `request.talkdesk`, and answers all others as
 * `loginRequired` of `@talkdesk-oauth/login` does: a browser that opens a page is redirected to the login and comes back;
 * a form, or the script of a page, gets 401 and a page with a link; a program gets 401 and problem details (RFC 9457).
 * As a hook of a whole scope, it leaves the routes of the login open.
 *
 * @throws TypeError
 *   - at once, when `login` is not an address, and for an unknown option;
 *   - for a request, when `talkdeskPlugin` is not registered before it.
 * @example
 * app.get("/contacts", { preHandler: requireLogin() }, async (request) =>
 *   (await request.talkdesk.fetch("/contacts")).json(),
 * );
 */
export function requireLogin(
  options: RequireLoginOptions = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  checkOptionNames("requireLogin()", options, ["login"]);
  const { login = "/auth/login" } = options;
  checkLoginAddress(login);
  return async (request, reply) => {
    if (request.talkdesk || isForLogin(request)) return undefined;
    // Undefined when nobody is signed in; null or absent when nobody has looked.
    if (!("talkdesk" in request) || request.talkdesk === null) {
      throw new TypeError(
        'requireLogin() needs await app.register(talkdeskPlugin, { login, prefix: "/auth" }) before it.',
      );
    }
    const session = notedSessions.get(request);
    await sendWebResponse(loginRequired({ ...factsOf(request), login, session }), reply);
    return reply;
  };
}
