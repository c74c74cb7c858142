import { checkLoginAddress, isLoginItself, loginAddressFor } from "../addresses/login-address.js";
import type { LoginSession } from "../session/login-session.js";
import { isLoginInVain } from "../session/sign-in-row.js";
import { errorPage } from "./error-page.js";
import { problemAnswer } from "./problem.js";
import { redirect } from "./redirect.js";

/** A request that somebody has to sign in for. {@link readRequestFacts} reads all but `login` and `session`. */
export interface LoginFacts {
  /** True for a browser, which is led to the login; false for a program, which gets problem details (RFC 9457). */
  readonly wantsHtml: boolean;
  /** True when a person opened a page, which can be opened again. */
  readonly isNavigation: boolean;
  /** The path and query of the request, as the app sees them. */
  readonly url: string;
  /** The address of the login as browsers find it: a path on this origin, or an address elsewhere. */
  readonly login: string;
  /**
   * The session that `login.source()` was asked with. After three logins in a row that did not help, each within a
   * minute, the answer is a page and no further redirect. Default: none, and a redirect loop does not end.
   */
  readonly session?: LoginSession | undefined;
}

/**
 * Answers a request of somebody who is not signed in:
 *
 * - a browser that opens a page is redirected to the login, and comes back to that page;
 * - a browser that sends something, such as a form, or whose script loads a page, gets 401 and a page with a link to the
 *   login, which does not lead back: what was sent is lost;
 * - a program gets 401 and problem details.
 *
 * Each 401 has `WWW-Authenticate` (RFC 6750 §3). The installation that an AppConnect launch names,
 * `talkdesk_installation_id`, goes along to the login.
 *
 * @throws TypeError when `login` is not an address, or the request is one to the login itself, which must be answered
 *   before.
 * @example
 * const source = await login.source(session, undefined);
 * if (source === undefined) return loginRequired({ ...readRequestFacts(request), login: "/auth/login", session });
 */
export function loginRequired(facts: LoginFacts): Response {
  const { wantsHtml, isNavigation, url, login, session } = facts;
  checkLoginAddress(login);
  if (isLoginItself(login, url)) {
    throw new TypeError(
      "The login must be mounted before requireLogin(), which would otherwise redirect the login to itself.",
    );
  }
  const address = loginAddressFor(login, { url, isNavigation });
  let answer: Response;
  if (!wantsHtml) {
    answer = problemAnswer({ status: 401, detail: "You are not signed in. Sign in first." });
  } else if (isNavigation && !isLoginInVain(session)) {
    answer = redirect(302, address);
  } else {
    answer = errorPage({
      status: 401,
      title: "Sign in first",
      text: ["You are not signed in, so your request was not processed."],
      link: { name: "Sign in", address },
    });
  }
  answer.headers.set("Vary", "Accept");
  return answer;
}
