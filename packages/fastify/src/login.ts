import type { TokenSource } from "@talkdesk-oauth/core";
import {
  errorAnswer,
  LoginFailure,
  type LoginSession,
  type TalkdeskLoginOptions as NeutralOptions,
  talkdeskLogin as neutralLogin,
  type OpenSession,
  type SignedInUser,
  storedSession,
} from "@talkdesk-oauth/login";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest, HTTPMethods } from "fastify";
import { loginRouteConfig } from "./login-routes.js";
import { notedSessions } from "./noted-session.js";
import { hasServerSession, openServerSession } from "./server-session.js";
import { factsOf, headersOf, sendWebResponse, toWebRequest } from "./web-exchange.js";

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
export interface TalkdeskLogin extends FastifyPluginAsync {
  /** The tokens of the user who is signed in; undefined when nobody is. */
  readonly source: (request: FastifyRequest) => Promise<TokenSource | undefined>;
  /** The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token. */
  readonly user: (request: FastifyRequest) => Promise<SignedInUser | undefined>;
}

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
  const { session: ownSession, onError, ...neutral } = options;
  for (const [name, value] of Object.entries({ session: ownSession, onError })) {
    if (value !== undefined && typeof value !== "function")
      throw new TypeError(`${name} must be a function.`);
  }
  const login = neutralLogin<FastifyRequest>(neutral);
  const { origin, protocol } = new URL(neutral.redirectUri);
  const openStored = storedSession({ store: login.store, secure: protocol === "https:" });
  const opened = new WeakMap<FastifyRequest, OpenSession>();

  function open(request: FastifyRequest): OpenSession {
    const known = opened.get(request);
    if (known !== undefined) return known;
    const found = openSession(request);
    opened.set(request, found);
    notedSessions.set(request, found.session);
    return found;
  }

  function openSession(request: FastifyRequest): OpenSession {
    if (ownSession !== undefined) return { session: ownSession(request), commit: (answer) => answer };
    if (!hasServerSession(request)) {
      return openStored(new Request(origin, { headers: headersOf(request) }));
    }
    return openServerSession(request);
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const { session, commit } = open(request);
    const webRequest = toWebRequest(request, origin);
    const { pathname } = new URL(webRequest.url);
    try {
      const answered = await login.handle({
        request: webRequest,
        // The prefix as the request has it: that of the routes may have parameters.
        mount: pathname.slice(0, pathname.lastIndexOf("/")),
        session,
        host: request,
        isGone: () => reply.raw.closed,
      });
      if (answered === undefined) reply.callNotFound();
      else await sendWebResponse(commit(answered), reply);
      return reply;
    } catch (failure) {
      if (!(failure instanceof LoginFailure)) throw failure;
      const page = errorAnswer(failure, factsOf(request));
      if (page !== undefined && onError === undefined) {
        await sendWebResponse(commit(page), reply);
        return reply;
      }
      const { headers } = commit(failure.response());
      for (const name of ["cache-control", "referrer-policy"]) reply.header(name, headers.get(name));
      for (const cookie of headers.getSetCookie()) reply.header("set-cookie", cookie);
      if (page === undefined || onError === undefined) throw failure.error;
      return onError(failure, request, reply);
    }
  }

  const routes: FastifyPluginAsync = async (app) => {
    // The login reads forms itself, whatever parsers the app has.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    for (const url of PATHS) app.route({ method: METHODS, url, config: loginRouteConfig(), handler: answer });
  };
  return Object.assign(routes, {
    source: async (request: FastifyRequest) => login.source(open(request).session, request),
    user: async (request: FastifyRequest) => login.user(open(request).session),
  });
}
