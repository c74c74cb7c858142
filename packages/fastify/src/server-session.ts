import { type LoginRecords, type OpenSession, serverSession } from "@talkdesk-oauth/login";
import type { FastifyRequest } from "fastify";

type Data = Record<string, unknown>;
type Session = Data & { readonly sessionId: string } & Record<
    "regenerate" | "save" | "destroy",
    () => Promise<void>
  >;

/** What a login uses of a request with `@fastify/session`. */
interface SessionHolder {
  session: Session | null;
  readonly sessionStore: { get(id: string, callback: (error: unknown, found?: Data | null) => void): void };
}

const holderOf = (request: FastifyRequest): SessionHolder => request as unknown as SessionHolder;

/** Opens the session of `@fastify/session` for a request; undefined in an app that has not registered it. */
export function openServerSession(request: FastifyRequest): OpenSession | undefined {
  return "sessionStore" in request ? openSession(request) : undefined;
}

/** The records that `@fastify/session` has loaded with a request; undefined in an app that has not registered it. */
export function loadedRecords(request: FastifyRequest): LoginRecords | undefined {
  return "sessionStore" in request ? openSession.loaded(request) : undefined;
}

const openSession = serverSession<FastifyRequest>({
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
