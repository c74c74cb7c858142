import {
  checkErrorHandlerOptions,
  type ErrorHandlerOptions,
  errorAnswer,
  isContentHeader,
  notedSession,
} from "@talkdesk-oauth/login";
import type { FastifyReply, FastifyRequest } from "fastify";
import { factsOf, sendWebResponse } from "./web-exchange.js";

/** Options of {@link talkdeskErrorHandler}. */
export interface TalkdeskErrorHandlerOptions extends ErrorHandlerOptions {
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
  checkErrorHandlerOptions(options, ["otherwise"]);
  const { login, otherwise = rethrow } = options;
  return async (error, request, reply) => {
    const facts = { ...factsOf(request), login, session: notedSession(request) };
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
