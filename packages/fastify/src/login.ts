import {
  frameworkLogin,
  type LoginFailure,
  type LoginSession,
  type TalkdeskLoginOptions as NeutralOptions,
  PRIVATE_HEADERS,
  type SignedInUsers,
  toWebHeaders,
} from "@talkdesk-oauth/login";
import type {
  FastifyContextConfig,
  FastifyPluginAsync,
  FastifyReply,
  FastifyRequest,
  HTTPMethods,
} from "fastify";
import { loadedRecords, openServerSession } from "./server-session.js";
import { sendWebResponse, toWebRequest } from "./web-exchange.js";

/** Options of {@link talkdeskLogin}: the options of `@talkdesk-oauth/login`, and two more. */
export interface TalkdeskLoginOptions extends NeutralOptions<FastifyRequest> {
  /**
   * The session of a request, for an app that has sessions of its own. Default: that of `@fastify/session` in an app that
   * has registered it; otherwise `storedSession` over `store`, whose cookie is `Secure` and named `__Host-…` when
   * `redirectUri` is https. The logins of one app share it when they share a `store`.
   */
  readonly session?: (request: FastifyRequest) => LoginSession;
  /**
   * Answers a login that failed with a `TalkdeskError` in place of the page for people, as a handler does.
   * `failure.restart` says where the login may begin again. Other errors go to the app's error handler.
   */
  readonly onError?: (failure: LoginFailure, request: FastifyRequest, reply: FastifyReply) => unknown;
}

/** The routes of a login, for `talkdeskPlugin` or `app.register(login, { prefix })`, and the user who is signed in by it. */
export interface TalkdeskLogin extends FastifyPluginAsync, SignedInUsers<FastifyRequest> {}

const PATHS = ["/login", "/callback", "/logout"];

/** All that Fastify routes and a Web request can have: the login refuses some of them. */
const METHODS: HTTPMethods[] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/**
 * A login with Talkdesk: `GET /login?returnTo=`, `GET /callback` and `POST /logout` beneath the prefix of its routes.
 *
 * @throws TypeError
 *   - at once, for an unknown option, and for an option with a wrong value;
 *   - for a request, when `@fastify/session` is registered after the login.
 * @example
 * const login = talkdeskLogin({
 *   client: talkdeskClientFromEnv(),
 *   redirectUri: "https://app.example.com/auth/callback",
 *   store: memoryStore(),
 *   contact: "help@example.com",
 * });
 * await app.register(talkdeskPlugin, { login, prefix: "/auth" });
 * @see RFC 6749 §4.1 and §10.12, RFC 9700 §4.7; Talkdesk, "Single Sign-On"
 */
export function talkdeskLogin(options: TalkdeskLoginOptions): TalkdeskLogin {
  const { session, onError, ...neutral } = options;
  const login = frameworkLogin<FastifyRequest, typeof onError>(neutral, {
    session,
    onError,
    openSession: openServerSession,
    loadedRecords,
    headers: (request) => toWebHeaders(request.headers),
  });
  const { origin } = new URL(neutral.redirectUri);

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const webRequest = toWebRequest(request, origin);
    const { pathname } = new URL(webRequest.url);
    const { answer, failure, onError } = await login.answer({
      request: webRequest,
      // The prefix as the request has it: that of the routes may have parameters.
      mount: pathname.slice(0, pathname.lastIndexOf("/")),
      host: request,
      isGone: () => reply.raw.closed,
    });
    if (answer !== undefined) {
      await sendWebResponse(answer, reply);
    } else if (failure !== undefined) {
      reply.headers(PRIVATE_HEADERS);
      const { headers } = login.open(request).commit(new Response());
      for (const cookie of headers.getSetCookie()) reply.header("set-cookie", cookie);
      if (onError === undefined) throw failure.error;
      return onError(failure, request, reply);
    } else {
      reply.callNotFound();
    }
    return reply;
  }

  const routes: FastifyPluginAsync = async (app) => {
    // The login reads forms itself, whatever parsers the app has.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    const config = { [LOGIN_ROUTE]: true } as FastifyContextConfig;
    for (const url of PATHS) app.route({ method: METHODS, url, config, handler: answer });
  };
  return Object.assign(routes, { source: login.source, user: login.user });
}

/** Marks the routes of a login in their `config`. */
const LOGIN_ROUTE = Symbol("talkdesk-oauth.login-route");

/** True for a request to a route of a login. Hooks of the scopes around run for it, too, in whatever order they are added. */
export const isForLogin = ({ routeOptions }: FastifyRequest): boolean =>
  LOGIN_ROUTE in Object(routeOptions.config);
