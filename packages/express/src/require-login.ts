import { loginRequirement, notedSession, type RequireLoginOptions } from "@talkdesk-oauth/login";
import type { RequestHandler } from "express";
import { factsOf, sendWebResponse } from "./web-exchange.js";

/**
 * Lets requests with a `req.talkdesk` pass, and answers all others:
 *
 * - a browser that opens a page is redirected to the login, and comes back to that page. After three logins in a row
 *   that did not help, each within a minute, it gets the page of the next case;
 * - a browser that sends something, such as a form, or whose script loads a page, gets 401 and a page with a link to the
 *   login, which does not lead back: what was sent is lost;
 * - a program gets 401 and problem details (RFC 9457).
 *
 * Each 401 has `WWW-Authenticate` (RFC 6750 §3). The `talkdesk_installation_id` of an AppConnect launch is passed on to
 * the login.
 *
 * @throws TypeError
 *   - at once, when `login` is not an address, and for an unknown option;
 *   - through `next`, when no `talkdesk()` is mounted before it, or when it is mounted before the login itself.
 * @example
 * app.get("/contacts", requireLogin(), async (request, response) => {
 *   const contacts = await request.talkdesk.fetch("/contacts");
 *   response.json(await contacts.json());
 * });
 */
export function requireLogin(options: RequireLoginOptions = {}): RequestHandler {
  const answerWithoutTokens = loginRequirement(options, "app.use(talkdesk(login.source))");
  return (request, response, next) => {
    if (request.talkdesk) {
      next();
      return;
    }
    const isSearched = "talkdesk" in request;
    const session = notedSession(request);
    const answer = answerWithoutTokens({ ...factsOf(request), isSearched, session });
    sendWebResponse(answer, response).catch(next);
  };
}
