import {
  frameworkLogin,
  type LoginFailure,
  type LoginSession,
  type TalkdeskLoginOptions as NeutralOptions,
  PRIVATE_HEADERS,
  type SignedInUsers,
} from "@talkdesk-oauth/login";
import { type Context, Hono } from "hono";
import { basePath } from "hono/route";

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
export interface TalkdeskLogin extends Hono, SignedInUsers<Context> {}

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
  const { session, onError, ...neutral } = options;
  const headers = (c: Context): Headers => c.req.raw.headers;
  const login = frameworkLogin<Context, typeof onError>(neutral, { session, onError, headers });
  const { origin } = new URL(neutral.redirectUri);
  const routes = new Hono();
  routes.all("*", async (c, next) => {
    const { answer, failure, onError } = await login.answer({
      request: await visitRequest(c, origin),
      mount: basePath(c),
      host: c,
      isGone: () => c.req.raw.signal.aborted,
    });
    if (answer !== undefined) return answer;
    if (failure === undefined) return await next();
    if (onError === undefined) throw failure.error;
    const own = await onError(failure, c);
    const page = new Response(own.body, own);
    for (const [name, value] of Object.entries(PRIVATE_HEADERS)) page.headers.set(name, value);
    return login.open(c).commit(page);
  });
  return Object.assign(routes, { source: login.source, user: login.user });
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
