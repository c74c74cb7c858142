import { getRequestListener } from "@hono/node-server";
import type { LoginDriver, LoginSetup } from "@talkdesk-oauth/conformance";
import {
  requireLogin,
  type TalkdeskLogin,
  type TalkdeskLoginOptions,
  talkdesk,
  talkdeskErrorHandler,
  talkdeskLogin,
} from "@talkdesk-oauth/hono";
import { type OpenSession, storedSession } from "@talkdesk-oauth/login";
import { type Context, Hono } from "hono";

/** An app on Hono. Its sessions are in the store that the suite gives, apart from the tokens. */
export const honoDriver: LoginDriver = (setup) => {
  const openSession = storedSession({ store: setup.sessions, secure: setup.isSecure });
  const opened = new WeakMap<Context, OpenSession>();
  const open = (c: Context): OpenSession => {
    const session = opened.get(c) ?? openSession(c.req.raw);
    opened.set(c, session);
    return session;
  };
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.res = open(c).commit(c.res);
  });
  return makeApp(app, setup, { session: (c) => open(c).session });
};

function makeApp(app: Hono, setup: LoginSetup, sessions: Pick<TalkdeskLoginOptions, "session">) {
  const logins: TalkdeskLogin[] = setup.logins.map(({ options }) =>
    talkdeskLogin({ ...options, ...sessions }),
  );
  const [first] = logins;
  if (first === undefined) throw new Error("The suite has no login.");
  app.use(talkdesk(first.source));
  for (const [at, login] of logins.entries()) app.route(setup.logins[at]?.mount || "/", login);
  for (const { path, isProtected, answer } of setup.pages) {
    if (isProtected) app.use(path, requireLogin({ login: setup.login }));
    app.all(path, async (c) => {
      const { status, body } = await answer({
        talkdesk: c.get("talkdesk"),
        user: async (at) => logins[at]?.user(c),
      });
      return Response.json(body, { status });
    });
  }
  app.onError(
    talkdeskErrorHandler({
      login: setup.login,
      otherwise(error, c) {
        setup.unanswered(error);
        return c.text("unanswered", 500);
      },
    }),
  );
  return {
    listener: getRequestListener(app.fetch, { overrideGlobalObjects: false }),
    parts: [...logins, app],
  };
}
