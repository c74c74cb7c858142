import { isTalkdeskError, type TokenSource, type TokenStore } from "@talkdesk-oauth/core";
import { errorPage } from "./answers/error-page.js";
import { failurePage, LoginFailure, type LoginRestart } from "./answers/login-failure.js";
import { beginLogin } from "./routes/begin-login.js";
import { finishLogin } from "./routes/finish-login.js";
import { logOut } from "./routes/log-out.js";
import type { TalkdeskLoginOptions } from "./routes/login-options.js";
import type { LoginRoute, RouteVisit } from "./routes/login-route.js";
import { type LoginSetup, loginSetup, ROUTES } from "./routes/login-setup.js";
import { type SignedInUser, type SignIn, signInOf } from "./session/login-records.js";
import { type LoginSession, loadedRecords, withPatience } from "./session/login-session.js";
import { noteSignIn } from "./session/sign-in-row.js";

/** One request, as a login needs to know it. */
export interface Visit<Host> {
  /**
   * The request. Only the path and the query of its address count, so put them behind the origin of `redirectUri`: the
   * `Host` that a client sends may make no address. Methods, headers and a form in the body are read.
   */
  readonly request: Request;
  /** The path that the login's routes are beneath, as the app sees it, such as `"/auth"`; `""` for the top. */
  readonly mount: string;
  readonly session: LoginSession;
  /** What the function `client` is called with; undefined where there is none. */
  readonly host: Host;
  /** True when the client has gone away, so that an answer reaches nobody. Default: it never has. */
  isGone?(): boolean;
}

/** A login, for any web framework. */
export interface Login<Host = undefined> {
  /**
   * Answers a request to one of the login's routes: `GET /login?returnTo=`, `GET /callback`, `POST /logout`.
   *
   * @returns Undefined for a request to something else, whose session is not touched.
   * @throws LoginFailure (rejection) with the error, the place to begin again, and a page for apps that have none of
   *   their own.
   */
  handle(visit: Visit<Host>): Promise<Response | undefined>;
  /**
   * The tokens of the user who is signed in; undefined when nobody is. The token store decides: it is asked at most every
   * ten seconds for each sign-in and process. All requests of one sign-in share one session in this process, so that they
   * cause one refresh.
   *
   * @throws (rejection) What the session or the function `client` throws.
   */
  source(session: LoginSession, host: Host): Promise<TokenSource | undefined>;
  /**
   * The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token.
   * The token store decides, as for `source`.
   */
  user(session: LoginSession): Promise<SignedInUser | undefined>;
  /** The store of the tokens, as given. */
  readonly store: TokenStore;
}

/**
 * A login with Talkdesk for any web framework: Web `Request` and a session in, `Response` out. Packages such as
 * `@talkdesk-oauth/express` translate.
 *
 * A session holds the logins that have begun, ten at most, each good for one callback within ten minutes, and the
 * sign-in. Its id changes at each login, and a login that was begun under another id signs nobody in. Tokens are in
 * `store` alone. A new login or a logout removes the earlier tokens from the store.
 *
 * A logout is a POST that pages of other origins cannot make. `returnTo` is a path of this origin, or `/`.
 *
 * @throws TypeError for an option that cannot be used or is not known.
 * @example
 * const store = memoryStore();
 * const sessions = storedSession({ store });
 * const login = talkdeskLogin({
 *   client: talkdeskClientFromEnv(),
 *   redirectUri: "https://app.example.com/auth/callback",
 *   store,
 *   contact: "help@example.com",
 * });
 * const { session, commit } = sessions(request);
 * const answer = await login.handle({ request, mount: "/auth", session, host: undefined });
 * if (answer !== undefined) return commit(answer);
 * @see RFC 6749 §4.1 and §10.12, RFC 9700 §4.7; Talkdesk, "Single Sign-On"
 */
export function talkdeskLogin<Host = undefined>(options: TalkdeskLoginOptions<Host>): Login<Host> {
  const setup = loginSetup(options);
  async function currentSignIn(session: LoginSession): Promise<SignIn | undefined> {
    const signIn = signInOf(await loadedRecords(session), setup.name);
    if (signIn !== undefined) noteSignIn(session, signIn);
    return signIn;
  }
  return {
    store: options.store,
    async handle(visit) {
      const mount = visit.mount.replace(/\/+$/, "");
      const url = new URL(visit.request.url);
      const route = url.pathname.startsWith(`${mount}/`)
        ? routes.find(({ path }) => path === url.pathname.slice(mount.length))
        : undefined;
      if (route === undefined) return undefined;
      let restart: LoginRestart | undefined;
      const { request, host } = visit;
      const session = withPatience(visit.session);
      try {
        const answer = await answerRoute(route, setup, {
          request,
          query: url.searchParams,
          mount,
          session,
          host,
          isGone: () => visit.isGone?.() ?? false,
          noteRestart(known) {
            restart = known;
          },
        });
        return asPrivate(answer);
      } catch (error) {
        const place = { contact: setup.contact, loginLink: setup.loginLink(mount), restart };
        throw new LoginFailure(error, restart, () => asPrivate(failurePage(error, place)));
      }
    },
    async source(session, host) {
      const signIn = await currentSignIn(session);
      if (signIn === undefined) return undefined;
      const { key, installationId } = signIn;
      try {
        return await setup.users.source(key, () => setup.clientFor(host, installationId));
      } catch (error) {
        // The app was uninstalled since: its users are signed out, and the rest of the app goes on.
        if (isTalkdeskError(error) && error.code === "installation_unknown") return undefined;
        throw error;
      }
    },
    async user(session) {
      const signIn = await currentSignIn(session);
      return signIn !== undefined && (await setup.users.isSignedIn(signIn.key)) ? signIn.user : undefined;
    },
  };
}

interface Route {
  readonly path: string;
  readonly method: "GET" | "POST";
  readonly answer: LoginRoute;
}

const routes: readonly Route[] = [
  { path: ROUTES.login, method: "GET", answer: beginLogin },
  { path: ROUTES.callback, method: "GET", answer: finishLogin },
  { path: ROUTES.logout, method: "POST", answer: logOut },
];

async function answerRoute<Host>(
  { method, answer }: Route,
  setup: LoginSetup<Host>,
  visit: RouteVisit<Host>,
): Promise<Response> {
  const { contact } = setup;
  const text = ["Nothing was done."];
  if (visit.request.method !== method) {
    const title = "This page does not accept that kind of request";
    const refusal = errorPage({ status: 405, title, text, contact });
    refusal.headers.set("Allow", method);
    return refusal;
  }
  if (isPrefetch(visit.request)) {
    return errorPage({ status: 503, title: "This page cannot be prefetched", text, contact });
  }
  return answer(setup, visit);
}

/** True when the browser loads a page that nobody has opened yet: that must not use up a login. */
function isPrefetch({ headers }: Request): boolean {
  return ["Sec-Purpose", "Purpose", "X-Moz"].some((name) => /prefetch/i.test(headers.get(name) ?? ""));
}

/** The address of a callback holds the code: no cache may keep it, and the next page must not see it as its referrer. */
function asPrivate(answer: Response): Response {
  answer.headers.set("Cache-Control", "no-store");
  answer.headers.set("Referrer-Policy", "no-referrer");
  return answer;
}
