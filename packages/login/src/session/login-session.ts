import { isWithin } from "../base/bounded-wait.js";

/**
 * What the logins of an app keep in a browser's session: plain JSON, whose names have no dot, no dollar sign and are no
 * member of a prototype, so that document stores and cookies take it. Store it and give it back as it is.
 */
export type LoginRecords = Readonly<Record<string, unknown>>;

/**
 * A browser's session, as a login uses it. Make one object for each request: {@link storedSession} does, and so does the
 * package of each web framework.
 *
 * The login calls these functions one after the other. In one process it changes a session (by its `id`) in one request
 * at a time. For processes that share a store, let `write` and `renew` reject with an error whose `code` is
 * `session_changed` when another request has written since `read`: the login then reads again and repeats the change.
 */
export interface LoginSession {
  /**
   * The session's id, or the id that it gets when it is written. It may change in `read`, when the id that the browser
   * sent is not known, and in `renew`. Undefined for sessions without ids; then a login cannot tell that the id changed.
   */
  readonly id: string | undefined;
  /**
   * What the request came with, if it is in memory already: saves a `read` where an old copy is enough. Absent: `read`
   * is called instead.
   */
  readonly loaded?: LoginRecords | undefined;
  /** Reads what the store has now. Undefined when the session is not stored, or no longer. `{}` when it has no records. */
  read(): Promise<LoginRecords | undefined>;
  /** Puts `records` in the place of those of the session. Resolves when the browser's next request can find them. */
  write(records: LoginRecords): Promise<void>;
  /**
   * Gives the browser a new session with another id, which holds `records`, and removes the old one.
   *
   * @param keep What of the app's own data moves to the new session: all (true), nothing (false), or these names.
   */
  renew(records: LoginRecords, keep: boolean | readonly string[]): Promise<void>;
  /** Removes the session with all that is in it. */
  drop(): Promise<void>;
}

/** How often a change is tried when other processes change the same session. */
const MAX_TRIES = 5;

/** The last piece of work for each session id. All logins of the process share it, as they share the session. */
const lastOf = new Map<string, Promise<unknown>>();

/**
 * Runs work on one session after the other work on it in this process, so that reads, changes and writes do not mix. Work
 * that meets the write of another process is run again: it begins with a read and has no other effect before its write.
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

/** As long as a client waits for Talkdesk by default. */
const STORE_PATIENCE_MS = 10_000;

/** A session whose calls end after ten seconds, so that a store which hangs holds no request. */
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

/** @throws Error with `status` 503, which web frameworks answer with, when `call` takes longer than ten seconds. */
async function within<T>(call: Promise<T>): Promise<T> {
  if (!(await isWithin(STORE_PATIENCE_MS, call))) {
    throw Object.assign(new Error("The store of sessions has not answered within ten seconds."), {
      status: 503,
    });
  }
  return call;
}

/** The records that the request came with. They may be older than what the store has. */
export async function loadedRecords(session: LoginSession): Promise<LoginRecords | undefined> {
  return session.loaded ?? (await withPatience(session).read());
}
