import { type OpenSession, serverSession } from "@talkdesk-oauth/login";
import type { FastifyRequest } from "fastify";

/** The part of `request.session` that a login uses, as in `@fastify/session`. */
interface Session {
  readonly sessionId: string;
  [name: string]: unknown;
  regenerate(): Promise<void>;
  save(): Promise<void>;
  destroy(): Promise<void>;
}

/** What `@fastify/session` puts on a request. */
interface SessionHolder {
  session: Session | null;
  readonly sessionStore: {
    get(id: string, callback: (error: unknown, found?: Record<string, unknown> | null) => void): void;
  };
}

const holderOf = (request: FastifyRequest): SessionHolder => request as unknown as SessionHolder;

/** True in an app that has registered `@fastify/session`. */
export const hasServerSession = (request: FastifyRequest): boolean => "sessionStore" in request;

/** Opens the session of `@fastify/session` for a request. */
export const openServerSession: (request: FastifyRequest) => OpenSession = serverSession<FastifyRequest>({
  current,
  id: (request) => current(request).sessionId,
  read: (request) =>
    new Promise((resolve, reject) => {
      holderOf(request).sessionStore.get(current(request).sessionId, (error, found) => {
        if (error) reject(error);
        else resolve(found);
      });
    }),
  save: (request) => current(request).save(),
  regenerate: (request) => current(request).regenerate(),
  destroy: (request) => current(request).destroy(),
  forget(request) {
    holderOf(request).session = null;
  },
});

/** @throws TypeError when `@fastify/session` has given the request no session, or not yet. */
function current(request: FastifyRequest): Session {
  const { session } = holderOf(request);
  if (typeof session?.sessionId !== "string") {
    throw new TypeError(
      "A login needs the session of @fastify/session: register it before talkdeskPlugin, with a cookie path that covers the login and all pages that use it.",
    );
  }
  return session;
}
