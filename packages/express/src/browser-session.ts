import { keptMembers, type LoginRecords, type LoginSession } from "@talkdesk-oauth/login";
import type { Request } from "express";

/** The one member of a session that belongs to logins. */
const MEMBER = "talkdeskLogins";

/** The part of `req.session` that a login uses, as in express-session. Its methods may return promises instead. */
interface ServerSession {
  readonly id?: unknown;
  [name: string]: unknown;
  regenerate(callback: (error?: unknown) => void): unknown;
  save(callback: (error?: unknown) => void): unknown;
  destroy(callback: (error?: unknown) => void): unknown;
}

/** The session of a request, as a login uses it. */
export interface RequestSession extends LoginSession {
  /**
   * Takes a session away from its request when it is gone or its store still hangs. Otherwise the end of the request
   * would store it again and send its cookie, or wait for the store once more.
   */
  forgetUnlessUsable(): void;
}

/** Where a request keeps its session. A WeakMap with an entry for each request costs the garbage collector far more. */
const SESSION = Symbol("talkdesk-oauth.session");

/** One object for each request. It reads `req.session` only when one of its members is used. */
export function sessionOf(request: Request): RequestSession {
  const holder = request as { [SESSION]?: RequestSession };
  holder[SESSION] ??= requestSession(request);
  return holder[SESSION];
}

function requestSession(request: Request): RequestSession {
  /** The session as the store had it at the last read. */
  let stored: Readonly<Record<string, unknown>> | undefined;
  let isGone = false;
  /** The number of calls that the store has not answered yet. */
  let unanswered = 0;

  async function settled(
    call: (session: ServerSession, callback: (error?: unknown) => void) => unknown,
  ): Promise<void> {
    unanswered += 1;
    try {
      await answerOf((callback) => call(serverSession(request), callback));
    } finally {
      unanswered -= 1;
    }
  }

  async function save(records: LoginRecords): Promise<void> {
    serverSession(request)[MEMBER] = records;
    await settled((session, callback) => session.save(callback));
    isGone = false;
  }

  return {
    get id() {
      const { id } = serverSession(request);
      return typeof id === "string" ? id : undefined;
    },
    get loaded() {
      return recordsIn(serverSession(request));
    },
    async read() {
      checkUnsent(request);
      const { sessionStore } = request as unknown as { sessionStore?: Partial<SessionStore> };
      const session = serverSession(request);
      const { id } = session;
      stored = session;
      if (typeof sessionStore?.get === "function" && typeof id === "string") {
        const { get } = sessionStore;
        await settled((_session, callback) =>
          get.call(sessionStore, id, (error, found) => {
            stored = found ?? undefined;
            // File stores report a missing session with this code, and express-session understands it too.
            callback(Object(error).code === "ENOENT" ? undefined : error);
          }),
        );
      }
      isGone = stored === undefined;
      return stored && recordsIn(stored);
    },
    write: save,
    async renew(records, keep) {
      checkUnsent(request);
      const kept = keptMembers(stored ?? serverSession(request), keep);
      await settled((session, callback) => session.regenerate(callback));
      const session = serverSession(request);
      for (const [name, value] of kept) if (!(name in session)) session[name] = value;
      try {
        await save(records);
      } catch (error) {
        // Otherwise the end of the request would store the session again, and that may succeed.
        forget(request);
        throw error;
      }
    },
    drop: () => settled((session, callback) => session.destroy(callback)),
    forgetUnlessUsable() {
      if (isGone || unanswered > 0) forget(request);
    },
  };
}

interface SessionStore {
  get(id: string, callback: (error: unknown, found?: Record<string, unknown> | null) => void): unknown;
}

const recordsIn = (session: Readonly<Record<string, unknown>>): LoginRecords =>
  (session[MEMBER] ?? {}) as LoginRecords;

const forget = (request: Request): boolean => delete (request as { session?: unknown }).session;

/** @throws TypeError when the request has no session, or one that lives in a cookie. */
function serverSession(request: Request): ServerSession {
  const { session } = request as unknown as { session?: Partial<ServerSession> | null };
  if (typeof session !== "object" || session === null) {
    throw new TypeError(
      "A login needs sessions: mount express-session, or similar middleware, before it with app.use(). If it is mounted, its store is disconnected.",
    );
  }
  const { regenerate, save, destroy } = session;
  if (![regenerate, save, destroy].every((member) => typeof member === "function")) {
    throw new TypeError(
      "A login needs sessions that are kept on the server and have regenerate, save and destroy, such as express-session makes.",
    );
  }
  return session as ServerSession;
}

/** @throws Error when the headers were sent already, so that no cookie can be set. */
function checkUnsent({ res }: Request): void {
  if (!res?.headersSent) return;
  throw new Error(
    "The response was started before the login could answer, so the login cannot set a cookie. Look for middleware that sends headers early, or that answers slow requests itself.",
  );
}

/** Waits for a function that reports its end to a callback or by a promise. */
function answerOf(call: (callback: (error?: unknown) => void) => unknown): Promise<void> {
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
