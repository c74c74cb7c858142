import { isTalkdeskError, type TalkdeskError, type TalkdeskErrorCode } from "@talkdesk-oauth/core";
import type { ErrorRequestHandler } from "express";
import { prefersHtml } from "./browser-request.js";
import { sendErrorPage } from "./error-page.js";
import { challenge, sendProblem } from "./problem.js";
import { retryAfterSeconds } from "./retry-after.js";

/** What the failing handler may have said of an answer that does not come. */
const HEADERS_OF_THE_ANSWER = [
  "Accept-Ranges",
  "Content-Disposition",
  "Content-Encoding",
  "Content-Language",
  "Content-Range",
  "ETag",
  "Expires",
  "Last-Modified",
];

const ENDED: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "reauthentication_required",
  "refresh_outcome_unknown",
  "source_closed",
]);

interface Answer {
  readonly status: 401 | 502 | 503;
  readonly title: string;
  readonly detail: string;
}

/**
 * Answers requests that failed with a `TalkdeskError`, also one that is the cause of a client's own error: problem
 * details (RFC 9457) for programs, a small page for browsers, in words of our own.
 *
 * - 401 when the user has to sign in again: `reauthentication_required`, `refresh_outcome_unknown`, `source_closed`;
 * - 503 with `Retry-After` for `token_unavailable`, `store_unavailable`, `lock_timeout`, and whatever has a `retryAt`;
 * - 502 for everything else.
 *
 * Other errors, and those after the headers were sent, go to `next`.
 */
export function talkdeskErrorHandler(): ErrorRequestHandler {
  return (error, request, response, next) => {
    const fault = talkdeskErrorIn(error);
    if (fault === undefined || response.headersSent) {
      next(error);
      return;
    }
    const waitSeconds = retryAfterSeconds(fault);
    const answer = answerTo(fault, waitSeconds);
    for (const name of HEADERS_OF_THE_ANSWER) response.removeHeader(name);
    if (answer.status === 503) response.set("Retry-After", String(waitSeconds));
    response.vary("Accept");
    if (prefersHtml(request)) {
      if (answer.status === 401) challenge(response);
      sendErrorPage(response, { ...answer, text: [answer.detail] });
    } else {
      sendProblem(response, { ...answer, code: fault.code });
    }
  };
}

function answerTo({ code }: TalkdeskError, waitSeconds: number | undefined): Answer {
  if (ENDED.has(code)) {
    return {
      status: 401,
      title: "Your session has ended",
      detail: "Talkdesk no longer accepts it. Sign in again.",
    };
  }
  if (waitSeconds !== undefined) {
    return {
      status: 503,
      title: "Talkdesk cannot be reached at the moment",
      detail: `Try again in ${waitSeconds} s.`,
    };
  }
  return {
    status: 502,
    title: "Talkdesk did not give what is needed here",
    detail: "The request could not be completed. Trying again may help.",
  };
}

const MAX_CAUSES = 8;

function talkdeskErrorIn(error: unknown): TalkdeskError | undefined {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES; depth++) {
    if (isTalkdeskError(cause)) return cause;
    if (typeof cause !== "object" || cause === null) return undefined;
    cause = (cause as { cause?: unknown }).cause;
  }
  return undefined;
}
