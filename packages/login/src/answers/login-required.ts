import { checkLoginAddress, isLoginItself, loginAddressFor } from "../addresses/login-address.js";
import { checkOptionNames } from "../base/option-names.js";
import type { LoginSession } from "../session/login-session.js";
import { isLoginInVain } from "../session/sign-in-row.js";
import { errorPage } from "./error-page.js";
import { problemAnswer } from "./problem.js";
import { redirect } from "./redirect.js";
import type { RequestFacts } from "./request-facts.js";

/** The facts of a request that needs a signed-in user. {@link readRequestFacts} reads all but `login` and `session`. */
export interface LoginFacts {
  /**
   * True for a browser, which gets a redirect or a page; false for a program, which gets problem details (RFC 9457).
   */
  readonly wantsHtml: boolean;
  /** True when a person opened a page, which can be opened again. */
  readonly isNavigation: boolean;
  /** The path and query of the request, as the app sees them. */
  readonly url: string;
  /** The address of the login as browsers know it: a path on this origin, or an absolute URL elsewhere. */
  readonly login: string;
  /**
   * The session that was given to `login.source()`. With it, the answer after three logins in a row that did not help,
   * each within a minute, is a page in place of another redirect. Default: no session, so a redirect loop does not end.
   */
  readonly session?: LoginSession | undefined;
}

/**
 * Answers a request without a signed-in user:
 *
 * - a browser that opens a page is redirected to the login, and comes back to that page;
 * - a browser that sends something, such as a form, or whose script loads a page, gets 401 and a page with a link to the
 *   login, which does not lead back: what was sent is lost;
 * - a program gets 401 and problem details.
 *
 * Each 401 has `WWW-Authenticate` (RFC 6750 §3). The `talkdesk_installation_id` of an AppConnect launch is passed on to
 * the login.
 *
 * @throws TypeError when `login` is not an address, or the request is for the login itself, which `handle` must answer
 *   first.
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

/** Options of `requireLogin()`. */
export interface RequireLoginOptions {
  /** The address of the login as browsers find it: a path on this origin, or elsewhere. Default `"/auth/login"`. */
  readonly login?: string;
}

/** A request without tokens. */
export interface RequestWithoutTokens extends RequestFacts {
  /** True when the middleware that looks for tokens has run for the request. */
  readonly isSearched: boolean;
  /** As {@link LoginFacts.session}. */
  readonly session: LoginSession | undefined;
}

/**
 * Makes the `requireLogin()` of a web framework: checks its options, and returns a function that answers requests
 * without tokens, as {@link loginRequired} does.
 *
 * @param search The call that makes the framework look for tokens, for the message when it is missing.
 * @throws TypeError at once, when `login` is not an address, and for an unknown option. The returned function throws one
 *   when nothing has looked for tokens before, and as `loginRequired` does.
 * @example
 * const answerWithoutTokens = loginRequirement({ login: "/auth/login" }, "app.use(talkdesk(login.source))");
 * const session = notedSession(request);
 * return answerWithoutTokens({ ...readRequestFacts(request), isSearched: "talkdesk" in request, session });
 */
export function loginRequirement(
  options: RequireLoginOptions,
  search: string,
): (request: RequestWithoutTokens) => Response {
  checkOptionNames("requireLogin()", options, ["login"]);
  const { login = "/auth/login" } = options;
  checkLoginAddress(login);
  return ({ isSearched, ...facts }) => {
    if (!isSearched) throw new TypeError(`requireLogin() needs ${search} before it.`);
    return loginRequired({ ...facts, login });
  };
}
