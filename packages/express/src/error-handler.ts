import { findTalkdeskError, type TalkdeskError, type TalkdeskErrorCode } from "@talkdesk-oauth/core";
import type { ErrorRequestHandler } from "express";
import { isNavigation, prefersHtml } from "./browser-request.js";
import { sendErrorPage } from "./error-page.js";
import { checkLoginAddress, loginAddressFor } from "./login-address.js";
import { checkNames } from "./option-names.js";
import { sendProblem } from "./problem.js";
import { retryAfterSeconds } from "./retry-after.js";
import { isLoginInVain } from "./sign-in-row.js";

/** Options of {@link talkdeskErrorHandler}. */
export interface TalkdeskErrorHandlerOptions {
  /**
   * The address of the login, as for `requireLogin()`: a browser whose session is over is sent there. Default: none, and
   * the page for a session that has ended has no link.
   */
  readonly login?: string;
}

/**
 * Headers that describe the answer which the failing handler had begun: its content, its transfer, its place, and how long
 * it is valid. A policy belongs to the app, though its name begins in the same way.
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
 * - 401 when the user has to sign in again: `reauthentication_required`, `refresh_outcome_unknown`, `source_closed`. With
 *   `reauthentication_required`, a browser that opens a page is sent to `login` instead, and comes back to that page;
 *   not when three logins in a row have not helped, each within a minute;
 * - 503 with `Retry-After`, at most an hour, for `token_unavailable`, `store_unavailable`, `lock_timeout`, and whatever has a `retryAt`;
 * - 502 for everything else.
 *
 * Of what the failing handler had set, headers that describe its answer are dropped; cookies are kept. Other errors, and
 * those after the headers were sent, go to `next`.
 *
 * @throws TypeError at once, when `login` is no address, and for an option that is not known.
 * @example
 * app.use(talkdeskErrorHandler({ login: "/auth/login" }));
 */
export function talkdeskErrorHandler(options: TalkdeskErrorHandlerOptions = {}): ErrorRequestHandler {
  checkNames("talkdeskErrorHandler()", options, ["login"]);
  const { login } = options;
  if (login !== undefined) checkLoginAddress(login);
  return (error, request, response, next) => {
    const fault = findTalkdeskError(error);
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
    const address =
      login === undefined
        ? undefined
        : loginAddressFor(login, { url: request.originalUrl, isNavigation: isNavigation(request) });
    const isOver = fault.code === "reauthentication_required" && isNavigation(request);
    if (address !== undefined && isOver && !isLoginInVain(request)) {
      response.set("Cache-Control", "no-store").redirect(302, address);
      return;
    }
    sendErrorPage(response, {
      status,
      title,
      text: [detail],
      ...(status === 401 && address !== undefined && { link: { name: "Sign in again", address } }),
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
    title: "Talkdesk did not answer as expected",
    detail: "The request could not be completed. Trying again may help.",
  };
}
