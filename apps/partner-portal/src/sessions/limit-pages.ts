import type { RequestHandler } from "express";
import { isSignedIn } from "./is-signed-in.js";
import { takeTurns } from "./session-limits.js";

/** More pages than a person opens at the same time, and few enough calls of the API for one session. */
const MAX_PAGES_AT_ONCE = 10;

/** Requests of one session that wait for their turn; further ones are refused. */
const MAX_WAITING = 200;

/** Events and downloads last long, and have limits of their own. */
const LONG_ANSWERS = /^\/reports\/[^/]+\/(?:events|file)$/;

/** Limits how many pages one session loads at the same time. The others wait for their turn. */
export function limitPages(): RequestHandler {
  const takeTurn = takeTurns("pages", { atOnce: MAX_PAGES_AT_ONCE, waiting: MAX_WAITING });
  return async (request, response, next) => {
    if (!isSignedIn(request) || LONG_ANSWERS.test(request.path)) return next();
    const leaving = new AbortController();
    response.once("close", () => leaving.abort());
    try {
      const leave = await takeTurn(request.sessionID, leaving.signal);
      if (response.closed) leave();
      else response.once("close", leave);
    } catch (error) {
      // The client has left, so nobody reads an answer.
      if (leaving.signal.aborted) return;
      throw error;
    }
    next();
  };
}
