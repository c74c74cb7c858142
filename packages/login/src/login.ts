import { isTalkdeskError, type TokenSource, type TokenStore } from "@talkdesk-oauth/core";
import { errorPage } from "./answers/error-page.js";
import {
  failurePage,
  LoginFailure,
  type LoginRestart,
  PRIVATE_HEADERS,
  signedOutPage,
} from "./answers/login-failure.js";
import { beginLogin } from "./routes/begin-login.js";
import { finishLogin } from "./routes/finish-login.js";
import { logOut } from "./routes/log-out.js";
import type { TalkdeskLoginOptions } from "./routes/login-options.js";
import type { LoginRoute, RouteVisit } from "./routes/login-route.js";
import { type LoginSetup, loginSetup, ROUTES } from "./routes/login-setup.js";
import { type SignedInUser, type SignIn, signInOf } from "./session/login-records.js";
import {
  type LoginRecords,
  type LoginSession,
  loadedRecords,
  withPatience,
} from "./session/login-session.js";
import { isInLongRow, noteSignIn } from "./session/sign-in-row.js";

/** One request, with the facts that a login needs. */
export interface Visit<Host> {
  /**
   * The request. Only the path and the query of its URL count. Use the origin of `redirectUri`, since the client's
   * `Host` header may not form a valid URL. The login also reads the method, the headers and a form in the body.
   */
  readonly request: Request;
  /** The path where the login is mounted, as the app sees it, such as `"/auth"`; `""` for the root. */
  readonly mount: string;
  /** The session of the browser. */
  readonly session: LoginSession;
  /** The first argument of the function `client`; undefined when `client` is not a function. */
  readonly host: Host;
  /** True when the client has disconnected, so that no answer can reach it. Default: never. */
  isGone?(): boolean;
}

/** A login, for any web framework. */
export interface Login<Host = undefined> {
  /**
   * Answers a request to one of the login's routes: `GET /login?returnTo=`, `GET /callback`, `POST /logout`.
   *
   * @returns Undefined for any other request; its session is neither read nor changed.
   * @throws LoginFailure (rejection) when the request fails. It has the error, where to begin again, and a page for
   *   apps without an error page.
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
 * A session holds the sign-in and up to ten pending logins, each valid for one callback within ten minutes. The id of
 * the session changes at each login. A callback is refused when its login began under another id. Tokens are kept in
 * `store` only. A new login or a logout removes the earlier tokens from the store.
 *
 * A logout is a POST, and is refused when it comes from a page of another origin. `returnTo` is a path on this origin;
 * any other value becomes `/`.
 *
 * @throws TypeError for an unknown option, and for one that cannot be used.
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
  const { store, handle, findSignIn, sourceOf, userOf } = loginInSteps(options);
  const signInIn = async (session: LoginSession): Promise<SignIn | undefined> =>
    findSignIn(await loadedRecords(session), () => session);
  return {
    store,
    handle,
    source: async (session, host) => sourceOf(await signInIn(session), host),
    user: async (session) => userOf(await signInIn(session)),
  };
}

/** A login whose `source` and `user` are two steps each, for sessions that need not be opened to read their records. */
export interface LoginInSteps<Host> extends Pick<Login<Host>, "store" | "handle"> {
  /**
   * The sign-in in the records of a session.
   *
   * @param session Gives the session. It is called when a login would not help its user: answers to its requests differ.
   */
  findSignIn(records: LoginRecords | undefined, session: () => LoginSession): SignIn | undefined;
  /** The source of a sign-in; undefined when it has ended. Not a promise when that is known, as for most requests. */
  sourceOf(
    signIn: SignIn | undefined,
    host: Host,
  ): TokenSource | undefined | Promise<TokenSource | undefined>;
  userOf(signIn: SignIn | undefined): Promise<SignedInUser | undefined>;
}

/** Makes the steps of {@link talkdeskLogin}. */
export function loginInSteps<Host>(options: TalkdeskLoginOptions<Host>): LoginInSteps<Host> {
  const setup = loginSetup(options);
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
      let signedOutTo: string | undefined;
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
          noteSignedOut(next) {
            signedOutTo = next;
          },
        });
        return asPrivate(answer);
      } catch (error) {
        const { contact } = setup;
        const next = signedOutTo;
        const page = (): Response =>
          next === undefined
            ? failurePage(error, { contact, loginLink: setup.loginLink(mount), restart })
            : signedOutPage(error, { contact, next });
        throw new LoginFailure(error, { restart, isSignedOut: next !== undefined }, () => asPrivate(page()));
      }
    },
    findSignIn(records, session) {
      const signIn = signInOf(records, setup.name);
      if (signIn !== undefined && isInLongRow(signIn)) noteSignIn(session(), signIn);
      return signIn;
    },
    sourceOf(signIn, host) {
      if (signIn === undefined) return undefined;
      const { key, installationId } = signIn;
      const clientOf = setup.isPerInstallation ? () => setup.clientFor(host, installationId) : undefined;
      const source = setup.users.source(key, clientOf);
      return source instanceof Promise ? source.catch(undefinedIfUninstalled) : source;
    },
    async userOf(signIn) {
      return signIn !== undefined && (await setup.users.isSignedIn(signIn.key)) ? signIn.user : undefined;
    },
  };
}

/** The app has been uninstalled since the login. Its users count as signed out, so that their requests do not fail. */
function undefinedIfUninstalled(error: unknown): undefined {
  if (!isTalkdeskError(error) || error.code !== "installation_unknown") throw error;
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

/**
 * True for a prefetch or prerender: the browser loads a page before anybody opens it, which must not use up a login.
 */
function isPrefetch({ headers }: Request): boolean {
  // Next's `<Link>` prefetches by script, which cannot set the headers of browsers.
  if (headers.has("Next-Router-Prefetch")) return true;
  return ["Sec-Purpose", "Purpose", "X-Moz"].some((name) => /prefetch/i.test(headers.get(name) ?? ""));
}

function asPrivate(answer: Response): Response {
  for (const [name, value] of Object.entries(PRIVATE_HEADERS)) answer.headers.set(name, value);
  return answer;
}
