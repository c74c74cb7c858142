import { isTalkdeskError, type TokenSource } from "@talkdesk-oauth/core";
import type { Request, RequestHandler, Response } from "express";
import { beginLogin } from "./begin-login.js";
import { browserSession } from "./browser-session.js";
import { errorOf } from "./error-of.js";
import { sendErrorPage } from "./error-page.js";
import { finishLogin } from "./finish-login.js";
import { logOut } from "./log-out.js";
import { answerLoginFailure, type Restart } from "./login-failure.js";
import type { TalkdeskLoginOptions } from "./login-options.js";
import type { LoginRoute, LoginVisit } from "./login-route.js";
import { type LoginSetup, loginSetup, ROUTES } from "./login-setup.js";
import { type SignedInUser, type SignIn, signInOf } from "./session-record.js";
import { noteSignIn } from "./sign-in-row.js";
import { checkUnsent } from "./unsent-response.js";

/** The routes of a login, for `app.use(path, login)`, and the user who is signed in by it. */
export interface TalkdeskLogin extends RequestHandler {
  /**
   * The tokens of the user who is signed in, for `talkdesk(login.source)`; undefined when nobody is. The token store
   * decides: it is asked at most every ten seconds for each sign-in. All requests of one sign-in share one session in this
   * process, so that they cause one refresh.
   */
  readonly source: (request: Request) => Promise<TokenSource | undefined>;
  /**
   * The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token.
   * It does not wait for the token store, and goes by what the store said last: call it behind `talkdesk(login.source)`,
   * which waits.
   */
  readonly user: (request: Request) => SignedInUser | undefined;
}

/**
 * A login with Talkdesk: `GET /login?returnTo=`, `GET /callback` and `POST /logout` beneath the path where it is mounted.
 *
 * Sessions are those of `express-session`, or of similar middleware that keeps them on the server, and must be mounted
 * before. A session holds the logins that have begun, ten at most, each good for one callback within ten minutes, and the
 * sign-in. Its id changes at each login, and a login that was begun under another id signs nobody in. Tokens are in
 * `store` alone. A new login or a logout removes the earlier tokens from the store.
 *
 * A logout is a POST that pages of other origins cannot make. `returnTo` is a path of this origin, or `/`.
 *
 * @throws TypeError
 *   - at once, for an option that cannot be used or is not known;
 *   - through `next`, when there are no sessions.
 * @example
 * const login = talkdeskLogin({
 *   client: talkdeskClientFromEnv(),
 *   redirectUri: "https://app.example.com/auth/callback",
 *   store: memoryStore(),
 *   contact: "help@example.com",
 * });
 * app.use(talkdesk(login.source));
 * app.use("/auth", login);
 * @see RFC 6749 §4.1 and §10.12, RFC 9700 §4.7; Talkdesk, "Single Sign-On"
 */
export function talkdeskLogin(options: TalkdeskLoginOptions): TalkdeskLogin {
  const setup = loginSetup(options);
  const handler: RequestHandler = (request, response, next) => {
    const route = routes.find(({ path }) => path === request.path);
    if (route === undefined) {
      next();
      return;
    }
    let restart: Restart | undefined;
    const visit = {
      request,
      response,
      restart: (known: Restart) => {
        restart = known;
      },
    };
    visited(route, setup, visit)
      .catch((error: unknown) => answerLoginFailure(setup, error, restart, { request, response, next }))
      .catch((thrown: unknown) => next(errorOf(thrown)));
  };
  const currentSignIn = (request: Request): SignIn | undefined => {
    const signIn = signInOf(browserSession(request), setup.name);
    if (signIn !== undefined) noteSignIn(request, signIn);
    // A request that ran beside a logout may have stored the session again.
    return signIn === undefined || setup.users.isEnded(signIn.key) ? undefined : signIn;
  };
  return Object.assign(handler, {
    async source(request: Request): Promise<TokenSource | undefined> {
      const signIn = currentSignIn(request);
      if (signIn === undefined) return undefined;
      const { key, installationId } = signIn;
      try {
        return await setup.users.source(key, () => setup.clientFor(request, installationId));
      } catch (error) {
        // The app was uninstalled since: its users are signed out, and the rest of the app goes on.
        if (isTalkdeskError(error) && error.code === "installation_unknown") return undefined;
        throw error;
      }
    },
    user(request: Request): SignedInUser | undefined {
      const signIn = currentSignIn(request);
      // It cannot be waited for here; the next call goes by it.
      if (signIn !== undefined) setup.users.isSignedIn(signIn.key).catch(() => {});
      return signIn?.user;
    },
  });
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

const visited = async ({ method, answer }: Route, setup: LoginSetup, visit: LoginVisit): Promise<void> => {
  const { request, response } = visit;
  checkUnsent(response);
  // The address of a callback holds the code: no cache may keep it, and the next page must not see it as its referrer.
  response.set({ "Cache-Control": "no-store", "Referrer-Policy": "no-referrer" });
  if (request.method !== method) {
    response.set("Allow", method);
    refuse(setup, response, 405, "This page does not accept that kind of request");
  } else if (isPrefetch(request)) {
    refuse(setup, response, 503, "This page cannot be prefetched");
  } else {
    await answer(setup, visit);
  }
};

function refuse({ contact }: LoginSetup, response: Response, status: number, title: string): void {
  sendErrorPage(response, { status, title, text: ["Nothing was done."], contact });
}

/** True when the browser loads a page that nobody has opened yet: that must not use up a login. */
function isPrefetch(request: Request): boolean {
  return ["Sec-Purpose", "Purpose", "X-Moz"].some((name) => /prefetch/i.test(request.get(name) ?? ""));
}
