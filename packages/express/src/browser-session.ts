import { type ServerSessions, serverSession } from "@talkdesk-oauth/login";
import type { Request } from "express";

/** The part of `req.session` that a login uses, as in express-session. Its methods may return promises instead. */
interface Session {
  readonly id?: unknown;
  [name: string]: unknown;
  regenerate: Call;
  save: Call;
  destroy: Call;
}

type Call = (callback: (error?: unknown) => void) => unknown;

/** What session middleware puts on a request. */
interface SessionHolder {
  session?: Partial<Session> | null;
  readonly sessionStore?: {
    get?(id: string, callback: (error: unknown, found?: Record<string, unknown> | null) => void): unknown;
  };
}

const holderOf = (request: Request): SessionHolder => request as unknown as SessionHolder;

/** Opens the session of a request. */
export const openSession: ServerSessions<Request> = serverSession<Request>({
  current,
  id: idOf,
  async read(request) {
    const session = current(request);
    const { sessionStore } = holderOf(request);
    const id = idOf(request);
    if (typeof sessionStore?.get !== "function" || id === undefined) return session;
    return answerOf((callback) => sessionStore.get?.(id, callback));
  },
  save: (request) => answerOf((callback) => current(request).save(callback)),
  regenerate: (request) => answerOf((callback) => current(request).regenerate(callback)),
  destroy: (request) => answerOf((callback) => current(request).destroy(callback)),
  forget: (request) => delete holderOf(request).session,
  areHeadersSent: ({ res }) => res?.headersSent ?? false,
});

/** @throws TypeError when the request has no session, or one that lives in a cookie. */
function current(request: Request): Session {
  const { session } = holderOf(request);
  if (typeof session !== "object" || session === null) {
    throw new TypeError(
      "A login needs sessions: mount express-session, or similar middleware, before it with app.use(). If it is mounted, its store is disconnected.",
    );
  }
  if (!isKeptOnServer(session)) {
    throw new TypeError(
      "A login needs sessions that are kept on the server and have regenerate, save and destroy, such as express-session makes.",
    );
  }
  return session;
}

function isKeptOnServer(session: Partial<Session>): session is Session {
  const { regenerate, save, destroy } = session;
  return typeof regenerate === "function" && typeof save === "function" && typeof destroy === "function";
}

function idOf(request: Request): string | undefined {
  const { id } = current(request);
  return typeof id === "string" ? id : undefined;
}

/** Waits for a function that reports its result to a callback, or its end by a promise. */
function answerOf<T>(
  call: (callback: (error?: unknown, result?: T) => void) => unknown,
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const returned = call((error, result) => {
      if (error === undefined || error === null) resolve(result);
      else reject(error);
    });
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then === "function") {
      Promise.resolve(returned).then(() => resolve(undefined), reject);
    }
  });
}
