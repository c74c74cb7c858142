import { isTalkdeskError, type TalkdeskError, type TalkdeskErrorCode } from "@talkdesk-oauth/core";
import type { ErrorRequestHandler } from "express";
import { prefersHtml } from "./browser-request.js";
import { sendErrorPage } from "./error-page.js";
import { checkLoginAddress, loginAddressFor } from "./login-address.js";
import { sendProblem } from "./problem.js";
import { retryAfterSeconds } from "./retry-after.js";

/** Options of {@link talkdeskErrorHandler}. */
export interface TalkdeskErrorHandlerOptions {
  /**
   * The address of the login, as for `requireLogin()`: the page for a session that has ended then has a link to it.
   * Default: none, and no link.
   */
  readonly login?: string;
}

/**
 * What the failing handler may have said of an answer that does not come: what it is made of, how it is sent, where it
 * is, and how long it is good for. A policy, though it begins like those, is the app's.
 */
const OF_THE_ANSWER =
  /^(content-(?!security-policy)|(repr-)?digest$|etag$|last-modified$|expires$|accept-ranges$|transfer-encoding$|trailer$|location$|refresh$|retry-after$)/;

const ENDED: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "reauthentication_required",
  "refresh_outcome_unknown",
  "source_closed",
]);

interface Answer {
  readonly status: 401 | 502 | 503;
  /** For a person; programs have the status. */
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
 * Of what the failing handler had set, headers that describe its answer are dropped; cookies are kept. Other errors, and
 * those after the headers were sent, go to `next`.
 *
 * @throws TypeError at once, when `login` is no address.
 */
export function talkdeskErrorHandler(options: TalkdeskErrorHandlerOptions = {}): ErrorRequestHandler {
  const { login } = options;
  if (login !== undefined) checkLoginAddress(login);
  return (error, request, response, next) => {
    const fault = talkdeskErrorIn(error);
    if (fault === undefined || response.headersSent) {
      next(error);
      return;
    }
    const waitSeconds = retryAfterSeconds(fault);
    const { status, title, detail } = answerTo(fault, waitSeconds);
    for (const name of response.getHeaderNames()) {
      if (OF_THE_ANSWER.test(name)) response.removeHeader(name);
    }
    if (status === 503) response.set("Retry-After", String(waitSeconds));
    response.vary("Accept");
    if (!prefersHtml(request)) {
      sendProblem(response, { status, detail, code: fault.code });
      return;
    }
    sendErrorPage(response, {
      status,
      title,
      text: [detail],
      ...(status === 401 &&
        login !== undefined && {
          link: { name: "Sign in again", address: loginAddressFor(login, request) },
        }),
    });
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
