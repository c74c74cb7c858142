import type { Request } from "express";
import { isWithin } from "./bounded-wait.js";

/** As long as a client waits for Talkdesk by default. */
const STORE_PATIENCE_MS = 10_000;

/** The part of `req.session` that a login uses, as in express-session. Its methods may return promises instead. */
export interface BrowserSession {
  readonly id?: unknown;
  [name: string]: unknown;
  regenerate(callback: (error?: unknown) => void): unknown;
  save(callback: (error?: unknown) => void): unknown;
  destroy(callback: (error?: unknown) => void): unknown;
}

/**
 * The session of a request.
 * @throws TypeError when the request has no session, or one that lives in a cookie.
 */
export function browserSession(request: Request): BrowserSession {
  const { session } = request as unknown as { session?: Partial<BrowserSession> | null };
  if (typeof session !== "object" || session === null) {
    throw new TypeError(
      "A login needs sessions: put express-session, or one like it, before it with app.use(). If it is there, its store is disconnected.",
    );
  }
  const { regenerate, save, destroy } = session;
  if (![regenerate, save, destroy].every((member) => typeof member === "function")) {
    throw new TypeError(
      "A login needs sessions that are kept on the server and have regenerate, save and destroy, as those of express-session.",
    );
  }
  return session as BrowserSession;
}

/** Gives the request an empty session with another id, and destroys the old one. */
export async function regenerate(request: Request): Promise<BrowserSession> {
  await settled(request, (session, callback) => session.regenerate(callback));
  return browserSession(request);
}

/** Resolves when the session is in its store, where the browser's next request finds it. */
export const save = (request: Request): Promise<void> =>
  settled(request, (session, callback) => session.save(callback));

export const destroy = (request: Request): Promise<void> =>
  settled(request, (session, callback) => session.destroy(callback));

/** Removes a destroyed session from its request, so that the end of the request does not store it or send its cookie. */
export function forgetSession(request: Request): void {
  delete (request as { session?: unknown }).session;
}

/**
 * Reads the session from its store again: other requests of the browser may have changed it since this one began.
 *
 * @returns The request's own copy when the store has no `get`; undefined when the session is not stored, or no longer.
 */
export async function storedSession(
  request: Request,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { sessionStore } = request as unknown as { sessionStore?: { get?: unknown } };
  const session = browserSession(request);
  if (typeof sessionStore?.get !== "function" || typeof session.id !== "string") return session;
  const { id } = session;
  const get = sessionStore.get.bind(sessionStore) as (
    id: string,
    callback: (error: unknown, found?: Record<string, unknown> | null) => void,
  ) => unknown;
  let stored: Record<string, unknown> | null | undefined;
  await settled(request, (_session, callback) =>
    get(id, (error, found) => {
      stored = found;
      // Stores of files say so when a session does not exist; express-session understands it, too.
      callback(Object(error).code === "ENOENT" ? undefined : error);
    }),
  );
  return stored ?? undefined;
}

/**
 * Calls a function that reports its end to a callback or by a promise, and waits for it.
 *
 * @throws Error with `status` 503, which Express answers with, when the store has not answered within ten seconds.
 */
async function settled(
  request: Request,
  call: (session: BrowserSession, callback: (error?: unknown) => void) => unknown,
): Promise<void> {
  const answered = new Promise<void>((resolve, reject) => {
    const returned = call(browserSession(request), (error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then === "function") {
      Promise.resolve(returned).then(() => resolve(), reject);
    }
  });
  if (await isWithin(STORE_PATIENCE_MS, answered)) return;
  // Otherwise the end of the request would wait for the store again.
  forgetSession(request);
  throw Object.assign(new Error("The store of sessions has not answered within ten seconds."), {
    status: 503,
  });
}

/** The last piece of work for each session id. All logins of the process share it, as they share the session. */
const lastOf = new Map<string, Promise<unknown>>();

/**
 * Runs work one after the other for each session in this process, so that reads, changes and writes do not mix.
 */
export async function oneAtATime<T>(request: Request, work: () => Promise<T>): Promise<T> {
  const { id } = browserSession(request);
  if (typeof id !== "string") return work();
  const before = lastOf.get(id) ?? Promise.resolve();
  const now = before.then(work, work);
  lastOf.set(id, now);
  try {
    return await now;
  } finally {
    if (lastOf.get(id) === now) lastOf.delete(id);
  }
}
