import {
  checkErrorHandlerOptions,
  type ErrorHandlerOptions,
  errorAnswer,
  notedSession,
  readRequestFacts,
} from "@talkdesk-oauth/login";
import { type ErrorHandler, Hono } from "hono";

/** Options of {@link talkdeskErrorHandler}. */
export interface TalkdeskErrorHandlerOptions extends ErrorHandlerOptions {
  /** Answers every other error. Default: as Hono does, which prints the error and answers 500. */
  readonly otherwise?: ErrorHandler;
}

/**
 * Answers requests that failed with a `TalkdeskError`, or with an error that has one as its cause, as `errorAnswer` of
 * `@talkdesk-oauth/login` does: problem details (RFC 9457) for programs, a small page or the login for browsers.
 *
 * @throws TypeError when `login` is not an address, `otherwise` is not a function, and for an unknown option.
 * @example
 * app.onError(talkdeskErrorHandler({ login: "/auth/login" }));
 */
export function talkdeskErrorHandler(options: TalkdeskErrorHandlerOptions = {}): ErrorHandler {
  checkErrorHandlerOptions(options, ["otherwise"]);
  const { login, otherwise = answerAsHono } = options;
  return (error, c) =>
    errorAnswer(error, { ...readRequestFacts(c.req.raw), login, session: notedSession(c) }) ??
    otherwise(error, c);
}

/** Hono's own answer is not exported; an app without an error handler gives it. */
const answerAsHono: ErrorHandler = (error, c) =>
  new Hono()
    .all("*", () => {
      throw error;
    })
    .fetch(c.req.raw);
