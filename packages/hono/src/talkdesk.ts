import type { TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { isTokenSource, type RequestTalkdesk, requestTalkdesk, sourceChooser } from "@talkdesk-oauth/login";
import type { Context, MiddlewareHandler } from "hono";

declare module "hono" {
  interface ContextVariableMap {
    /**
     * Tokens for this request, set by `talkdesk(…)`. Undefined when the request has no source because nobody is signed
     * in; always defined after `requireLogin()`.
     */
    talkdesk: RequestTalkdesk;
  }
}

/** Chooses the source of a request's tokens; undefined for a request that gets none. */
export type SourceOfContext = (c: Context) => TokenSource | undefined | Promise<TokenSource | undefined>;

/**
 * Puts `c.get("talkdesk")` on each request: the tokens of one source, or of the source that a function gives for it.
 *
 * No token is requested before a handler asks for one. When the client disconnects before the response is finished
 * (`c.req.raw.signal`), waits for tokens of this request end with an `AbortError`; calls that were sent go on.
 *
 * @param source A token source; or a function of the context, such as the `source` of a {@link talkdeskLogin}.
 * @throws TypeError
 *   - at once, when `source` is neither;
 *   - for a request, when the function gives something else.
 * @example
 * app.use(talkdesk(clientCredentials(talkdeskClientFromEnv())));
 * app.get("/users", async (c) => c.json(await (await c.get("talkdesk").fetch("/users")).json()));
 */
export function talkdesk(source: TokenSource | SourceOfContext): MiddlewareHandler {
  const sourceOf = sourceChooser(source);
  return async (c, next) => {
    const found = isTokenSource(source) ? source : await sourceOf(c);
    // Set even when undefined: requireLogin() tells "nobody is signed in" from "talkdesk() is missing" by it.
    c.set("talkdesk", (found && requestTalkdesk(found, c.req.raw.signal, talkdeskFetch)) as RequestTalkdesk);
    await next();
  };
}
