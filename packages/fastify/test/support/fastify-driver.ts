import formbody from "@fastify/formbody";
import type { LoginApp, LoginDriver, LoginSetup, MountedLogin } from "@talkdesk-oauth/conformance";
import type { TokenStore } from "@talkdesk-oauth/core";
import { requireLogin, talkdeskErrorHandler, talkdeskLogin, talkdeskPlugin } from "@talkdesk-oauth/fastify";
import Fastify, { type FastifyInstance } from "fastify";
import { registerSessions } from "./session-store.js";

/** An app with the sessions that the package has by default. They are put where the suite wants them. */
export const storedDriver: LoginDriver = ({ logins: [first, ...others], ...setup }) => {
  const apart = ({ mount, options }: MountedLogin): MountedLogin => ({
    mount,
    options: { ...options, store: withSessionsApart(options.store, setup.sessions) },
  });
  return fastifyApp(Fastify(), { ...setup, logins: [apart(first), ...others.map(apart)] });
};

/** An app with the sessions of `@fastify/session`, and a parser of forms. */
export const sessionDriver: LoginDriver = async (setup) => {
  const app = Fastify({ trustProxy: setup.isSecure });
  await app.register(formbody);
  await registerSessions(app, setup.sessions, setup.isSecure);
  return fastifyApp(app, setup);
};

async function fastifyApp(app: FastifyInstance, setup: LoginSetup): Promise<LoginApp> {
  const [first, ...others] = setup.logins.map(({ mount, options }) => ({
    login: talkdeskLogin(options),
    prefix: mount,
  }));
  if (first === undefined) throw new Error("The suite has no login.");
  app.setErrorHandler(
    talkdeskErrorHandler({
      login: setup.login,
      otherwise(error, _request, reply) {
        setup.unanswered(error);
        return reply.code(500).send("unanswered");
      },
    }),
  );
  await app.register(talkdeskPlugin, first);
  for (const { login, prefix } of others) app.register(login, { prefix });
  for (const { path, isProtected, answer } of setup.pages) {
    const hooks = isProtected ? { preHandler: requireLogin({ login: setup.login }) } : {};
    app.all(path, hooks, async (request, reply) => {
      const { status, body } = await answer({
        talkdesk: request.talkdesk,
        user: async (at) => [first, ...others][at]?.login.user(request),
        data: request.session as unknown as Record<string, unknown>,
      });
      return reply.code(status).type("application/json").send(JSON.stringify(body));
    });
  }
  await app.ready();
  return {
    listener: app.routing,
    parts: [first, ...others, talkdeskPlugin, requireLogin(), talkdeskErrorHandler()],
    close: () => app.close(),
  };
}

/** One store for the login, and two for the suite: its sessions go to a store of their own. */
function withSessionsApart(tokens: TokenStore, sessions: TokenStore): TokenStore {
  const storeOf = (key: string): TokenStore => (key.startsWith("session:") ? sessions : tokens);
  return {
    read: (key) => storeOf(key).read(key),
    write: (key, value, options) => storeOf(key).write(key, value, options),
    delete: (key) => storeOf(key).delete(key),
    lock: (key, options) => storeOf(key).lock(key, options),
  };
}
