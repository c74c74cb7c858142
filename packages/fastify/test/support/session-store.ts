import cookie from "@fastify/cookie";
import fastifySession, { type FastifySessionOptions } from "@fastify/session";
import type { TokenStore } from "@talkdesk-oauth/core";
import type { FastifyInstance } from "fastify";

/** Registers `@fastify/session` as an app does whose sessions are in a database. */
export async function registerSessions(
  app: FastifyInstance,
  records: TokenStore,
  isSecure = false,
): Promise<void> {
  await app.register(cookie);
  await app.register(fastifySession, {
    cookieName: isSecure ? "__Host-app" : "app",
    secret: "a secret of the tests, which is long enough",
    rolling: false,
    saveUninitialized: false,
    store: sessionStore(records),
    cookie: { httpOnly: true, sameSite: "lax", secure: isSecure, path: "/" },
  });
}

/** Keeps the sessions of `@fastify/session` in a token store. */
function sessionStore(records: TokenStore): NonNullable<FastifySessionOptions["store"]> {
  /** The last one to write wins, as in stores of sessions. */
  async function put(id: string, value: string): Promise<void> {
    let version: number | undefined;
    while (version === undefined) {
      const found = await records.read(id);
      version = await records.write(id, value, { expectedVersion: found?.version ?? 0 });
    }
  }
  return {
    get(id, callback) {
      records
        .read(id)
        .then((found) => (found === undefined ? null : JSON.parse(found.value)))
        .then((found) => callback(null, found), callback);
    },
    set(id, session, callback) {
      put(id, JSON.stringify(session)).then(() => callback(), callback);
    },
    destroy(id, callback) {
      records.delete(id).then(() => callback(), callback);
    },
  };
}
