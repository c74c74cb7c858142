import {
  findTalkdeskError,
  isTalkdeskError,
  type TalkdeskError,
  type TalkdeskErrorCode,
} from "@talkdesk-oauth/core";
import { checkLoginAddress, loginAddressFor } from "../addresses/login-address.js";
import { checkFunction, checkOptionNames } from "../base/option-names.js";
import type { LoginSession } from "../session/login-session.js";
import { isLoginInVain } from "../session/sign-in-row.js";
import { errorPage } from "./error-page.js";
import { LoginFailure } from "./login-failure.js";
import { problemAnswer } from "./problem.js";
import { redirect } from "./redirect.js";
import { retryAfterSeconds } from "./retry-after.js";

/** The facts that the answer to an error depends on. {@link readRequestFacts} reads all but `login` and `session`. */
export interface ErrorFacts {
  /** True for a browser, which gets a page; false for a program, which gets problem details (RFC 9457). */
  readonly wantsHtml: boolean;
  /** The address of the login as browsers know it. Default: no address, so the answer does not lead to a login. */
  readonly login?: string | undefined;
  /** True when a person opened a page, so that a redirect to the login makes sense. Default false. */
  readonly isNavigation?: boolean | undefined;
  /** The path and query of the request, to return to after the login. Default: the login leads to `/`. */
  readonly url?: string | undefined;
  /**
   * The session that was given to `login.source()`. With it, the answer after three logins in a row that did not help,
   * each within a minute, is a page in place of another redirect. Default: no session, so a redirect loop does not end.
   */
  readonly session?: LoginSession | undefined;
}

const ENDED: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "reauthentication_required",
  "refresh_outcome_unknown",
  "source_closed",
]);

/**
 * Answers a request that failed with a `TalkdeskError`, or with an error that has one as its cause: problem details for
 * programs, a small page for browsers. The text is its own and contains nothing of Talkdesk's answer.
 *
 * - 401 when the user has to sign in again: `reauthentication_required`, `refresh_outcome_unknown`, `source_closed`. With
 *   `reauthentication_required`, a navigation is redirected to `login` instead, and comes back to its page;
 * - 503 with `Retry-After`, at most an hour, for `token_unavailable`, `store_unavailable`, `lock_timeout`, and whatever
 *   has a `retryAt`;
 * - 502 for every other code;
 * - for a {@link LoginFailure} with a `TalkdeskError`, its own page.
 *
 * @returns Undefined for any other error.
 * @throws TypeError when `login` is not an address.
 * @example
 * const answer = errorAnswer(error, { ...readRequestFacts(request), login: "/auth/login", session });
 * if (answer === undefined) throw error;
 */
export function errorAnswer(error: unknown, facts: ErrorFacts): Response | undefined {
  const { wantsHtml, login, isNavigation = false, url = "", session } = facts;
  if (login !== undefined) checkLoginAddress(login);
  if (error instanceof LoginFailure) {
    return isTalkdeskError(error.error) ? error.response() : undefined;
  }
  const fault = findTalkdeskError(error);
  if (fault === undefined) return undefined;
  const waitSeconds = retryAfterSeconds(fault);
  const { status, title, detail } = contentFor(fault, waitSeconds);
  const address = login === undefined ? undefined : loginAddressFor(login, { url, isNavigation });
  const isOver = fault.code === "reauthentication_required" && isNavigation;
  let answer: Response;
  if (!wantsHtml) {
    answer = problemAnswer({ status, detail, code: fault.code });
  } else if (address !== undefined && isOver && !isLoginInVain(session)) {
    answer = redirect(302, address);
  } else {
    const link = status === 401 && address !== undefined && { link: { name: "Sign in again", address } };
    answer = errorPage({ status, title, text: [detail], ...link });
  }
  answer.headers.set("Vary", "Accept");
  if (answer.status === 503) answer.headers.set("Retry-After", String(waitSeconds));
  return answer;
}

interface Content {
  readonly status: 401 | 502 | 503;
  /** Shown to people only: programs have the status. */
  readonly title: string;
  readonly detail: string;
}

function contentFor({ code }: TalkdeskError, waitSeconds: number | undefined): Content {
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

/** Options of `talkdeskErrorHandler()` that every web framework has. */
export interface ErrorHandlerOptions {
  /**
   * The address of the login, as for `requireLogin()`. A browser whose session is over is redirected there. Default: no
   * address, so the page for a session that has ended has no link.
   */
  readonly login?: string;
}

/**
 * Checks the options of `talkdeskErrorHandler()`.
 *
 * @param functions The names of options that the framework adds, all of them functions.
 * @throws TypeError when `login` is not an address, one of `functions` is not a function, and for an unknown option.
 * @example
 * checkErrorHandlerOptions({ login: "auth/login" }, ["otherwise"]); // TypeError
 */
export function checkErrorHandlerOptions(
  options: ErrorHandlerOptions,
  functions: readonly string[] = [],
): void {
  checkOptionNames("talkdeskErrorHandler()", options, ["login", ...functions]);
  if (options.login !== undefined) checkLoginAddress(options.login);
  for (const name of functions) checkFunction(name, (options as Record<string, unknown>)[name]);
}

/**
 * Headers of content, its transfer, its location and its validity. `Content-Security-Policy` is not one of them.
 */
const OF_CONTENT =
  /^(content-(?!security-policy)|(repr-)?digest$|etag$|last-modified$|expires$|accept-ranges$|transfer-encoding$|trailer$|location$|refresh$|retry-after$)/i;

/**
 * True for the name of a header that describes one answer, such as its content. Remove such headers of a failed handler
 * before another answer, such as {@link errorAnswer} gives, takes its place. Cookies and the app's security policies
 * may stay.
 *
 * @example
 * for (const name of nodeResponse.getHeaderNames()) if (isContentHeader(name)) nodeResponse.removeHeader(name);
 */
export function isContentHeader(name: string): boolean {
  return OF_CONTENT.test(name);
}
