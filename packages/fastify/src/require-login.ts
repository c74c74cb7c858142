import { loginRequirement, notedSession, type RequireLoginOptions } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isForLogin } from "./login.js";
import { factsOf, sendWebResponse } from "./web-exchange.js";

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
  const answerWithoutTokens = loginRequirement(
    options,
    'await app.register(talkdeskPlugin, { login, prefix: "/auth" })',
  );
  return async (request, reply) => {
    if (request.talkdesk || isForLogin(request)) return undefined;
    // Undefined when nobody is signed in; null or absent when nobody has looked.
    const isSearched = "talkdesk" in request && request.talkdesk !== null;
    const session = notedSession(request);
    await sendWebResponse(answerWithoutTokens({ ...factsOf(request), isSearched, session }), reply);
    return reply;
  };
}
