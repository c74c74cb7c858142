import {
  loginRequirement,
  notedSession,
  type RequireLoginOptions,
  readRequestFacts,
} from "@talkdesk-oauth/login";
import type { MiddlewareHandler } from "hono";

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
  const answerWithoutTokens = loginRequirement(options, "app.use(talkdesk(login.source))");
  return async (c, next) => {
    if (c.get("talkdesk")) return next();
    const isSearched = "talkdesk" in c.var;
    return answerWithoutTokens({ ...readRequestFacts(c.req.raw), isSearched, session: notedSession(c) });
  };
}
