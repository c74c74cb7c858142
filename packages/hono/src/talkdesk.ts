import type { AccessToken, TokenRequest, TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { bindSource, checkChosenSource, checkSourceChoice, isTokenSource } from "@talkdesk-oauth/login";
import type { Context, MiddlewareHandler } from "hono";

/** The value that {@link talkdesk} sets on a context. Its functions can be destructured. */
export interface ContextTalkdesk {
  /** The source itself, for work that outlives the request. */
  readonly source: TokenSource;
  /** Calls the API with a token of the source, as `talkdeskFetch` of `@talkdesk-oauth/fetch` does. */
  readonly fetch: typeof fetch;
  /** A token of the source, for another client. */
  getToken(request?: TokenRequest): Promise<AccessToken>;
}

declare module "hono" {
  interface ContextVariableMap {
    /**
     * Tokens for this request, set by `talkdesk(…)`. Undefined when the request has no source because nobody is signed
     * in; always defined after `requireLogin()`.
     */
    talkdesk: ContextTalkdesk;
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
  checkSourceChoice(source);
  return async (c, next) => {
    const found = isTokenSource(source) ? source : await source(c);
    checkChosenSource(found);
    // Set even when undefined: requireLogin() tells "nobody is signed in" from "talkdesk() is missing" by it.
    c.set("talkdesk", (found && contextTalkdesk(found, c)) as ContextTalkdesk);
    await next();
  };
}

function contextTalkdesk(source: TokenSource, c: Context): ContextTalkdesk {
  const bound = bindSource(source, () => lifetimeOf(c.req.raw.signal));
  let authorized: typeof fetch | undefined;
  return {
    source,
    getToken: bound.getToken,
    async fetch(input, init) {
      authorized ??= talkdeskFetch(bound);
      return authorized(input, init);
    },
  };
}

/** Runtimes give different reasons, and some a text; waits end with the same error everywhere. */
function lifetimeOf(client: AbortSignal): AbortSignal {
  const controller = new AbortController();
  const abort = (): void =>
    controller.abort(
      new DOMException("The client disconnected before the response was finished.", "AbortError"),
    );
  if (client.aborted) abort();
  else client.addEventListener("abort", abort, { once: true });
  return controller.signal;
}
