import { isWithin } from "../base/bounded-wait.js";

/**
 * The records of an app's logins in a browser's session: plain JSON. Its names have no dots and no dollar signs and are
 * no members of a prototype, so that document stores and cookies accept them. Store the records, and return them
 * unchanged.
 */
export type LoginRecords = Readonly<Record<string, unknown>>;

/**
 * A browser's session, as a login uses it. Make one object for each request, as {@link storedSession} and
 * {@link serverSession} do.
 *
 * The login calls these functions one after the other. In one process it changes a session (by its `id`) in one request
 * at a time. For processes that share a store, let `write` and `renew` reject with an error whose `code` is
 * `session_changed` when another request has written since `read`: the login then reads again and repeats the change.
 *
 * Two things are up to the framework. After `read` has resolved to undefined, the answer must not set the session's cookie
 * until a `write` or `renew` has succeeded: another tab may have been given a new one. And after the login has written the
 * session, the framework must not save its own copy at the end of the request: that copy may be older.
 */
export interface LoginSession {
  /**
   * The session's id, or the id that it gets when it is written. It may change in `read`, when the id that the browser
   * sent is not known, and in `renew`. Undefined for sessions without ids; then a login cannot tell that the id changed.
   */
  readonly id: string | undefined;
  /**
   * The records that are in memory already, when the framework has loaded the session for the request. They save a
   * `read` where an old copy is enough. Absent: `read` is called.
   */
  readonly loaded?: LoginRecords | undefined;
  /**
   * Reads the records from the store. Undefined when the session is not stored, or no longer. `{}` when it has no
   * records.
   */
  read(): Promise<LoginRecords | undefined>;
  /** Replaces the records of the session. Resolves when the browser's next request can read them. */
  write(records: LoginRecords): Promise<void>;
  /**
   * Gives the browser a new session with another id, which holds `records`, and removes the old one. From then on `id` is
   * the new id.
   *
   * @param keep Which members of the app's own data move to the new session: all (true), none (false), or those named.
   */
  renew(records: LoginRecords, keep: boolean | readonly string[]): Promise<void>;
  /** Removes the session with all its data. */
  drop(): Promise<void>;
}

/** The session of one request, as {@link storedSession} and {@link serverSession} open it. */
export interface OpenSession {
  /** The session of the request. */
  readonly session: LoginSession;
  /**
   * Prepares an answer of the login to be sent, which may add a cookie. The given answer is not changed: its body may
   * move to the one returned.
   */
  commit(response: Response): Response;
}

/** How many times a change is tried when other processes change the same session. */
const MAX_TRIES = 5;

/** The last piece of work for each session id. All logins of the process share it, as they share the session. */
const lastOf = new Map<string, Promise<unknown>>();

/**
 * Runs work on a session after all earlier work on it in this process, so that changes do not overwrite each other.
 * Work that conflicts with a write of another process is run again. So it must begin with a read, and have no effect
 * before its write.
 */
export async function inTurn<T>(session: LoginSession, work: () => Promise<T>): Promise<T> {
  const { id } = session;
  if (id === undefined) return untilUndisturbed(work);
  const before = lastOf.get(id) ?? Promise.resolve();
  const now = before.then(
    () => untilUndisturbed(work),
    () => untilUndisturbed(work),
  );
  lastOf.set(id, now);
  try {
    return await now;
  } finally {
    if (lastOf.get(id) === now) lastOf.delete(id);
  }
}

async function untilUndisturbed<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === MAX_TRIES || !isSessionChanged(error)) throw error;
    }
  }
}

const isSessionChanged = (error: unknown): boolean =>
  (Object(error) as { code?: unknown }).code === "session_changed";

/** The same as the default `timeoutMs` of a client. */
const STORE_PATIENCE_MS = 10_000;

/** Wraps a session so that its calls end after ten seconds, and a store that hangs does not block requests. */
export function withPatience(session: LoginSession): LoginSession {
  return {
    get id() {
      return session.id;
    },
    get loaded() {
      return session.loaded;
    },
    read: () => within(session.read()),
    write: (records) => within(session.write(records)),
    renew: (records, keep) => within(session.renew(records, keep)),
    drop: () => within(session.drop()),
  };
}

/**
 * @throws Error with `status` 503, which web frameworks turn into the status of the answer, when `call` takes longer
 * than ten seconds.
 */
async function within<T>(call: Promise<T>): Promise<T> {
  if (!(await isWithin(STORE_PATIENCE_MS, call))) {
    throw Object.assign(new Error("The store of sessions has not answered within ten seconds."), {
      status: 503,
    });
  }
  return call;
}

/**
 * The records that were loaded with the request. They may be older than those in the store. Not a promise when they are
 * in memory.
 */
export function loadedRecords(
  session: LoginSession,
): LoginRecords | undefined | Promise<LoginRecords | undefined> {
  return session.loaded ?? withPatience(session).read();
}
