import { type TokenSource, tokenDestination } from "@talkdesk-oauth/core";
import type { Request, RequestHandler } from "express";
import { errorOf } from "./error-of.js";
import { requestTalkdesk } from "./request-talkdesk.js";

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
 * @throws TypeError at once, when `source` is neither a source nor a function; through `next`, when the function gives
 *   anything but a source or undefined.
 * @example
 * app.use(talkdesk(clientCredentials(talkdeskClientFromEnv())));
 * app.get("/contacts", async (request, response) => {
 *   const contacts = await request.talkdesk.fetch("/contacts");
 *   response.json(await contacts.json());
 * });
 */
export function talkdesk(source: TokenSource | SourceOfRequest): RequestHandler {
  if (isSource(source)) {
    tokenDestination(source);
    return (request, response, next) => {
      request.talkdesk = requestTalkdesk(source, response);
      next();
    };
  }
  if (typeof source !== "function") {
    throw new TypeError(
      "talkdesk() needs a token source, such as clientCredentials(client), or a function of a request that gives one.",
    );
  }
  if ("source" in source) {
    throw new TypeError("talkdesk() needs login.source; login itself is for app.use(path, login).");
  }
  return (request, response, next) => {
    const attach = async (): Promise<void> => {
      const found = await source(request);
      if (found === undefined) return;
      if (!isSource(found) || typeof found.api !== "string") {
        throw new TypeError(
          "The function given to talkdesk() must give a token source, such as clientCredentials(client), or undefined when no user is signed in.",
        );
      }
      request.talkdesk = requestTalkdesk(found, response);
    };
    // Set even when undefined, so that requireLogin() can tell "nobody is signed in" from "talkdesk() is missing".
    Object.assign(request, { talkdesk: undefined });
    attach().then(
      () => next(),
      (thrown) => next(errorOf(thrown)),
    );
  };
}

function isSource(value: TokenSource | SourceOfRequest): value is TokenSource {
  return typeof (value as TokenSource | undefined)?.getToken === "function";
}
