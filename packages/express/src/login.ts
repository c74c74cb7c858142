import { isTalkdeskError, type TalkdeskError, type TokenSource } from "@talkdesk-oauth/core";
import {
  type ClientOfLogin as LoginClientOf,
  LoginFailure,
  type TalkdeskLoginOptions as LoginOptions,
  type SignedInUser,
  talkdeskLogin as webLogin,
} from "@talkdesk-oauth/login";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { sessionOf } from "./browser-session.js";
import { errorOf } from "./error-of.js";
import { sendWebResponse, toWebRequest } from "./web-exchange.js";

/** Chooses the client of a login. A `TalkdeskError` that it throws goes to the error page, any other error to `next`. */
export type ClientOfLogin = LoginClientOf<Request>;

/** Options of {@link talkdeskLogin}: the options of `@talkdesk-oauth/login`, and `onError`. */
export interface TalkdeskLoginOptions extends LoginOptions<Request> {
  /**
   * Answers a failed login in place of the error page. It is called for each `TalkdeskError`; other errors, and errors
   * that it throws itself, go to `next`. `failure.restart` says where the login may begin again. Default: the error
   * page.
   */
  readonly onError?: (
    error: TalkdeskError,
    request: Request,
    response: Response,
    next: NextFunction,
    failure: LoginFailure,
  ) => void | Promise<void>;
}

/** The routes of a login, for `app.use(path, login)`, and the user who is signed in by it. */
export interface TalkdeskLogin extends RequestHandler {
  /**
   * The tokens of the user who is signed in, for `talkdesk(login.source)`; undefined when nobody is. The token store
   * decides: it is asked at most every ten seconds for each sign-in and process. All requests of one sign-in share one
   * session in this process, so that they cause one refresh.
   */
  readonly source: (request: Request) => Promise<TokenSource | undefined>;
  /**
   * The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token.
   * The token store decides, as for `source`.
   */
  readonly user: (request: Request) => Promise<SignedInUser | undefined>;
}

/**
 * A login with Talkdesk: `GET /login?returnTo=`, `GET /callback` and `POST /logout` beneath the path where it is mounted.
 *
 * Mount `express-session`, or similar middleware that keeps sessions on the server, before it. `talkdeskLogin` of
 * `@talkdesk-oauth/login` says what a login keeps in a session, and when it changes the session's id.
 *
 * @throws TypeError
 * - at once, for an unknown option, and for one that cannot be used;
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
 */
export function talkdeskLogin(options: TalkdeskLoginOptions): TalkdeskLogin {
  const { onError, ...neutral } = options;
  if (onError !== undefined && typeof onError !== "function") {
    throw new TypeError("onError must be a function (error, req, res, next).");
  }
  const login = webLogin<Request>(neutral);
  const { origin } = new URL(options.redirectUri);

  async function answer(request: Request, response: Response, next: NextFunction): Promise<void> {
    const { session, commit } = sessionOf(request);
    try {
      const answered = await login.handle({
        request: toWebRequest(request, origin),
        mount: request.baseUrl,
        session,
        host: request,
        isGone: () => response.closed,
      });
      if (answered === undefined) {
        next();
        return;
      }
      const committed = commit(answered);
      if (!response.closed) await sendWebResponse(committed, response);
    } catch (failure) {
      if (!(failure instanceof LoginFailure)) throw failure;
      await answerFailure(failure, request, response, next);
    }
  }

  async function answerFailure(
    failure: LoginFailure,
    request: Request,
    response: Response,
    next: NextFunction,
  ): Promise<void> {
    const { error } = failure;
    const page = failure.response();
    if (!isTalkdeskError(error)) sessionOf(request).commit(page);
    if (response.headersSent) throw error;
    // An answer of the app must be kept out of caches, as the page is.
    for (const name of ["Cache-Control", "Referrer-Policy"]) response.set(name, page.headers.get(name) ?? "");
    if (!isTalkdeskError(error)) throw error;
    if (onError === undefined) await sendWebResponse(page, response);
    else await onError(error, request, response, next, failure);
  }

  const handler: RequestHandler = (request, response, next) => {
    answer(request, response, next).catch((thrown: unknown) => next(errorOf(thrown)));
  };
  return Object.assign(handler, {
    source: async (request: Request) => login.source(sessionOf(request).session, request),
    user: async (request: Request) => login.user(sessionOf(request).session),
  });
}
