import type { TokenSource } from "@talkdesk-oauth/core";
import {
  errorAnswer,
  LoginFailure,
  type LoginSession,
  type TalkdeskLoginOptions as NeutralOptions,
  talkdeskLogin as neutralLogin,
  type OpenSession,
  readRequestFacts,
  type SignedInUser,
  storedSession,
} from "@talkdesk-oauth/login";
import { type Context, Hono } from "hono";
import { basePath } from "hono/route";
import { noteSession } from "./noted-session.js";

/** Options of {@link talkdeskLogin}: the options of `@talkdesk-oauth/login`, and two more. */
export interface TalkdeskLoginOptions extends NeutralOptions<Context> {
  /**
   * The session of a request, for an app that has sessions of its own. Default: `storedSession` over `store`, whose cookie
   * is `Secure` and named `__Host-…` when `redirectUri` is https. The logins of one app share it when they share a `store`.
   */
  readonly session?: (c: Context) => LoginSession;
  /**
   * Answers a login that failed with a `TalkdeskError` in place of the page for people. `failure.restart` says where the
   * login may begin again. Other errors go to `app.onError`.
   */
  readonly onError?: (failure: LoginFailure, c: Context) => Response | Promise<Response>;
}

/** The routes of a login, for `app.route(path, login)`, and the user who is signed in by it. */
export interface TalkdeskLogin extends Hono {
  /** The tokens of the user who is signed in, for `talkdesk(login.source)`; undefined when nobody is. */
  readonly source: (c: Context) => Promise<TokenSource | undefined>;
  /** The user who is signed in, as the ID token said (scope `openid`); undefined when nobody is, or without an ID token. */
  readonly user: (c: Context) => Promise<SignedInUser | undefined>;
}

/**
 * A login with Talkdesk: `GET /login?returnTo=`, `GET /callback` and `POST /logout` beneath the path of its routes.
 *
 * @throws TypeError for an unknown option, and for an option with a wrong value.
 * @example
 * const login = talkdeskLogin({
 *   client: talkdeskClientFromEnv(),
 *   redirectUri: "https://app.example.com/auth/callback",
 *   store: memoryStore(),
 *   contact: "help@example.com",
 * });
 * app.use(talkdesk(login.source));
 * app.route("/auth", login);
 * @see RFC 6749 §4.1 and §10.12, RFC 9700 §4.7; Talkdesk, "Single Sign-On"
 */
export function talkdeskLogin(options: TalkdeskLoginOptions): TalkdeskLogin {
  const { session: ownSession, onError, ...neutral } = options;
  for (const [name, value] of Object.entries({ session: ownSession, onError })) {
    if (value !== undefined && typeof value !== "function")
      throw new TypeError(`${name} must be a function.`);
  }
  const login = neutralLogin<Context>(neutral);
  const { origin, protocol } = new URL(neutral.redirectUri);
  const openStored = storedSession({ store: login.store, secure: protocol === "https:" });
  const opened = new WeakMap<Context, OpenSession>();

  function open(c: Context): OpenSession {
    const known = opened.get(c);
    if (known !== undefined) return known;
    const found = ownSession
      ? { session: ownSession(c), commit: (response: Response) => response }
      : openStored(c.req.raw);
    opened.set(c, found);
    noteSession(c, found.session);
    return found;
  }

  const routes = new Hono();
  routes.all("*", async (c, next) => {
    const { session, commit } = open(c);
    const visit = {
      request: await visitRequest(c, origin),
      mount: basePath(c),
      session,
      host: c,
      isGone: () => c.req.raw.signal.aborted,
    };
    try {
      const answer = await login.handle(visit);
      return answer === undefined ? await next() : commit(answer);
    } catch (failure) {
      if (!(failure instanceof LoginFailure)) throw failure;
      const page = errorAnswer(failure, readRequestFacts(c.req.raw));
      if (page === undefined) throw failure.error;
      if (onError === undefined) return commit(page);
      const own = await onError(failure, c);
      const answer = new Response(own.body, own);
      // The URL of a callback contains the code, so no cache and no other page may see it.
      for (const name of ["Cache-Control", "Referrer-Policy"]) {
        answer.headers.set(name, page.headers.get(name) ?? "");
      }
      return commit(answer);
    }
  });
  return Object.assign(routes, {
    source: async (c: Context) => login.source(open(c).session, c),
    user: async (c: Context) => login.user(open(c).session),
  });
}

/** Builds the request on the origin of `redirectUri`, so that a forged `Host` has no effect. */
async function visitRequest({ req }: Context, origin: string): Promise<Request> {
  const { pathname, search } = new URL(req.url);
  const url = `${origin}${pathname}${search}`;
  if (!req.raw.bodyUsed) return new Request(url, req.raw);
  // Middleware has read the form, and Hono has kept its fields.
  const headers = new Headers(req.raw.headers);
  headers.delete("Content-Type");
  const fields = [...(await req.formData())].filter(([, value]) => typeof value === "string") as [
    string,
    string,
  ][];
  return new Request(url, { method: req.method, headers, body: new URLSearchParams(fields) });
}
