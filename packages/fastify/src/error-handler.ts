import { checkLoginAddress, checkOptionNames, errorAnswer, isContentHeader } from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { notedSessions } from "./noted-session.js";
import { factsOf, sendWebResponse } from "./web-exchange.js";

/** Options of {@link talkdeskErrorHandler}. */
export interface TalkdeskErrorHandlerOptions {
  /**
   * The address of the login, as for `requireLogin()`: a browser whose session is over is redirected there. Default: none,
   * and the page for a session that has ended has no link.
   */
  readonly login?: string;
  /** Answers every other error, as a handler does. Default: the error handler of the scope around, in the end Fastify's. */
  readonly otherwise?: (error: unknown, request: FastifyRequest, reply: FastifyReply) => unknown;
}

/**
 * Answers requests that failed with a `TalkdeskError`, or with an error that has one as its cause, as `errorAnswer` of
 * `@talkdesk-oauth/login` does: problem details (RFC 9457) for programs, a small page or the login for browsers.
 *
 * Headers that the failing handler had set for its own answer are dropped; cookies are kept.
 *
 * @throws TypeError when `login` is not an address, `otherwise` is not a function, and for an unknown option.
 * @example
 * app.setErrorHandler(talkdeskErrorHandler({ login: "/auth/login" }));
 */
export function talkdeskErrorHandler(
  options: TalkdeskErrorHandlerOptions = {},
): (error: unknown, request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  checkOptionNames("talkdeskErrorHandler()", options, ["login", "otherwise"]);
  const { login, otherwise = rethrow } = options;
  if (login !== undefined) checkLoginAddress(login);
  if (typeof otherwise !== "function")
    throw new TypeError("otherwise must be a function (error, request, reply).");
  return async (error, request, reply) => {
    const facts = { ...factsOf(request), login, session: notedSessions.get(request) };
    const answer = reply.raw.headersSent ? undefined : errorAnswer(error, facts);
    if (answer === undefined) return otherwise(error, request, reply);
    for (const name of Object.keys(reply.getHeaders())) if (isContentHeader(name)) reply.removeHeader(name);
    await sendWebResponse(answer, reply);
    return reply;
  };
}

function rethrow(error: unknown): never {
  throw error;
}
