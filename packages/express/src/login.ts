import type { TalkdeskError } from "@talkdesk-oauth/core";
import {
  frameworkLogin,
  type ClientOfLogin as LoginClientOf,
  type LoginFailure,
  type TalkdeskLoginOptions as LoginOptions,
  PRIVATE_HEADERS,
  type SignedInUsers,
} from "@talkdesk-oauth/login";
import type { NextFunction, Request, RequestHandler, Response } from "express";
import { openSession } from "./browser-session.js";
import { errorOf, headersOf, sendWebResponse, toWebRequest } from "./web-exchange.js";

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
export interface TalkdeskLogin extends RequestHandler, SignedInUsers<Request> {}

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
  const login = frameworkLogin<Request, typeof onError>(neutral, {
    onError,
    openSession,
    loadedRecords: openSession.loaded,
    headers: headersOf,
  });
  const { origin } = new URL(options.redirectUri);

  async function answer(request: Request, response: Response, next: NextFunction): Promise<void> {
    const outcome = await login.answer({
      request: toWebRequest(request, origin),
      mount: request.baseUrl,
      host: request,
      isGone: () => response.closed,
    });
    const { answer, failure, onError } = outcome;
    if (failure !== undefined && response.headersSent) throw failure.error;
    if (answer !== undefined) {
      if (!response.closed) await sendWebResponse(answer, response);
    } else if (failure !== undefined) {
      response.set(PRIVATE_HEADERS);
      if (onError === undefined) throw failure.error;
      await onError(failure.error as TalkdeskError, request, response, next, failure);
    } else {
      next();
    }
  }

  const handler: RequestHandler = (request, response, next) => {
    answer(request, response, next).catch((thrown: unknown) => next(errorOf(thrown)));
  };
  return Object.assign(handler, { source: login.source, user: login.user });
}
