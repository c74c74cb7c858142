import type { Request } from "express";

/** What is used of `req.session`: as express-session has it. A promise will do in the place of the callback. */
export interface BrowserSession {
  readonly id?: unknown;
  [name: string]: unknown;
  regenerate(callback: (error?: unknown) => void): unknown;
  save(callback: (error?: unknown) => void): unknown;
  destroy(callback: (error?: unknown) => void): unknown;
}

/**
 * The session of a request.
 * @throws TypeError when there is none, or one that lives in a cookie.
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

/** Gives the request a session with another id and nothing in it; the old one is gone. */
export async function regenerate(request: Request): Promise<BrowserSession> {
  const session = browserSession(request);
  await settled((callback) => session.regenerate(callback));
  return browserSession(request);
}

/** Resolves when the session is in its store, where the browser's next request finds it. */
export const save = (session: BrowserSession): Promise<void> => settled((callback) => session.save(callback));

export const destroy = (session: BrowserSession): Promise<void> =>
  settled((callback) => session.destroy(callback));

/** Takes a session that is gone from its request, at whose end it could be stored again, or its cookie be sent. */
export function forgetSession(request: Request): void {
  delete (request as { session?: unknown }).session;
}

/**
 * What the store has of a session now: requests of one browser run side by side, each with a copy of its own. It is the
 * copy of this request where the store cannot be asked, and undefined when the store has none: not yet, or not any more.
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
  await settled((callback) =>
    get(id, (error, found) => {
      stored = found;
      // How stores of files say that there is none; express-session understands it, too.
      callback(Object(error).code === "ENOENT" ? undefined : error);
    }),
  );
  return stored ?? undefined;
}

/** Calls what tells its end to a callback, or by a promise. */
function settled(call: (callback: (error?: unknown) => void) => unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    const returned = call((error) => {
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    if (typeof (returned as PromiseLike<unknown> | undefined)?.then === "function") {
      Promise.resolve(returned).then(() => resolve(), reject);
    }
  });
}

/** By the session's id, whichever login of the process it is for: they share the session. */
const lastOf = new Map<string, Promise<unknown>>();

/**
 * Does one thing after the other for each session in this process: reading it, changing it and writing it must not mix.
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
