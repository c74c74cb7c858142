import {
  checkErrorHandlerOptions,
  type ErrorHandlerOptions,
  errorAnswer,
  isContentHeader,
  notedSession,
} from "@talkdesk-oauth/login";
import type { ErrorRequestHandler } from "express";
import { factsOf, sendWebResponse } from "./web-exchange.js";

/**
 * Answers requests that failed with a `TalkdeskError`, or with a client's error that has one as its cause: problem
 * details (RFC 9457) for programs, a small page for browsers. The text is its own and contains nothing of Talkdesk's
 * answer.
 *
 * - 401 when the user has to sign in again: `reauthentication_required`, `refresh_outcome_unknown`, `source_closed`. With
 *   `reauthentication_required`, a browser that opens a page is sent to `login` instead, and comes back to that page;
 *   not when three logins in a row have not helped, each within a minute;
 * - 503 with `Retry-After`, at most an hour, for `token_unavailable`, `store_unavailable`, `lock_timeout`, and whatever has a `retryAt`;
 * - 502 for everything else.
 *
 * Headers that the failing handler had set to describe its answer are dropped; cookies are kept. Other errors go to
 * `next`, and so do all errors after the headers were sent.
 *
 * @throws TypeError at once, when `login` is not an address, and for an unknown option.
 * @example
 * app.use(talkdeskErrorHandler({ login: "/auth/login" }));
 */
export function talkdeskErrorHandler(options: ErrorHandlerOptions = {}): ErrorRequestHandler {
  checkErrorHandlerOptions(options);
  const { login } = options;
  return (error, request, response, next) => {
    const answer = response.headersSent
      ? undefined
      : errorAnswer(error, { ...factsOf(request), login, session: notedSession(request) });
    if (answer === undefined) {
      next(error);
      return;
    }
    for (const name of response.getHeaderNames()) if (isContentHeader(name)) response.removeHeader(name);
    sendWebResponse(answer, response).catch(next);
  };
}
