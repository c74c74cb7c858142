import type { TokenSource } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { isTokenSource, type RequestTalkdesk, requestTalkdesk, sourceChooser } from "@talkdesk-oauth/login";
import type { Request, RequestHandler } from "express";
import { errorOf } from "./web-exchange.js";

declare global {
  // biome-ignore lint/style/noNamespace: the one place where Express lets a request be extended.
  namespace Express {
    interface Request {
      /**
       * Tokens for this request, set by `talkdesk(…)`. It is undefined when there is no source, such as when nobody is
       * signed in; `requireLogin()` lets no such request pass.
       */
      talkdesk: RequestTalkdesk;
    }
  }
}

/** Chooses the source of a request's tokens; undefined for a request without tokens. */
export type SourceOfRequest = (
  request: Request,
) => TokenSource | undefined | Promise<TokenSource | undefined>;

/**
 * Puts `req.talkdesk` on each request, with the tokens of one source, or of the source that a function chooses.
 *
 * `req.talkdesk` is undefined when the function gives undefined, even if an earlier `talkdesk()` had set it, so that no
 * request acts with another user's tokens. No token is requested before a handler asks for one. An error of the
 * function goes to `next`.
 *
 * @param source A token source; or a function of the request, such as the `source` of a {@link talkdeskLogin}.
 * @throws TypeError
 *   - at once, when `source` is neither;
 *   - through `next`, when the function gives something else.
 * @example
 * app.use(talkdesk(clientCredentials(talkdeskClientFromEnv())));
 * app.get("/contacts", async (request, response) => {
 *   const contacts = await request.talkdesk.fetch("/contacts");
 *   response.json(await contacts.json());
 * });
 */
export function talkdesk(source: TokenSource | SourceOfRequest): RequestHandler {
  const sourceOf = sourceChooser(source);
  if (isTokenSource(source)) {
    return (request, response, next) => {
      request.talkdesk = requestTalkdesk(source, response, talkdeskFetch);
      next();
    };
  }
  return (request, response, next) => {
    // Set even when undefined, so that requireLogin() can tell "nobody is signed in" from "talkdesk() is missing".
    request.talkdesk = undefined as never;
    sourceOf(request).then(
      (found) => {
        if (found !== undefined) request.talkdesk = requestTalkdesk(found, response, talkdeskFetch);
        next();
      },
      (thrown) => next(errorOf(thrown)),
    );
  };
}
