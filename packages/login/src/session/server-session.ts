import { keptMembers } from "./kept-members.js";
import type { LoginRecords, OpenSession } from "./login-session.js";

/** What {@link serverSession} needs of a framework's sessions. Each function gets the framework's own request. */
export interface ServerSessionCalls<Host> {
  /**
   * The session of the request as an object, whose members are the app's own data. The login adds one,
   * `talkdeskLogins`. Throw a `TypeError` when the request has no session, or one that cannot be used.
   */
  current(host: Host): Record<string, unknown>;
  /** The id of the session; undefined for sessions without ids. */
  id(host: Host): string | undefined;
  /**
   * Reads the data of the session from the store. Resolve to undefined or null, or reject with an error whose `code` is
   * `ENOENT`, when the store does not have the session, or no longer. Sessions whose store cannot be asked resolve to
   * the current data.
   */
  read(host: Host): Promise<Readonly<Record<string, unknown>> | null | undefined>;
  /** Stores the current session. */
  save(host: Host): Promise<unknown>;
  /** Gives the request a new session, empty and with another id, and removes the old one from the store. */
  regenerate(host: Host): Promise<unknown>;
  /** Removes the session from the store and from the request. */
  destroy(host: Host): Promise<unknown>;
  /**
   * Takes the session from the request, so that the end of the request neither stores it nor sends its cookie. The store
   * keeps what it has.
   */
  forget(host: Host): void;
  /** True when the headers of the answer were sent already, so that no cookie can be set any more. Default: never. */
  areHeadersSent?(host: Host): boolean;
}

/** Opens the sessions of a web framework, as {@link serverSession} makes it. */
export interface ServerSessions<Host> {
  (host: Host): OpenSession;
  /**
   * The records that the framework has loaded with the request, for `loadedRecords` of {@link FrameworkCalls}. Throws as
   * `current` does.
   */
  loaded(host: Host): LoginRecords;
}

/** The member of a session that belongs to the app's logins. */
const MEMBER = "talkdeskLogins";

/**
 * Keeps the records of logins in sessions that a web framework keeps on its server, such as those of `express-session`.
 *
 * The session is not touched before a member is used. Call `commit` before an answer of the login is sent: it takes
 * the session from its request when the store no longer has it, or has not answered yet. Otherwise the end of the
 * request would store an old copy again and send its cookie, or wait for the store once more. For the same reason,
 * a renewal that fails takes the session from its request.
 *
 * @returns A function that opens the session of a request. Call it once for each request. Its `loaded` reads the records
 *   of a request without opening the session.
 * @example
 * const openSession = serverSession<typeof appRequest>({
 *   current: ({ session }) => session,
 *   id: ({ session }) => session.id,
 *   read: ({ session, sessionStore }) => sessionStore.read(session.id),
 *   save: ({ session }) => session.save(),
 *   regenerate: ({ session }) => session.regenerate(),
 *   destroy: ({ session }) => session.destroy(),
 *   forget: (request) => Object.assign(request, { session: undefined }),
 * });
 * const { session, commit } = openSession(appRequest);
 * const answer = await login.handle({ request, mount: "/auth", session, host: undefined });
 * if (answer !== undefined) return commit(answer);
 */
export function serverSession<Host>(calls: ServerSessionCalls<Host>): ServerSessions<Host> {
  return Object.assign((host: Host) => openSession(calls, host), {
    loaded: (host: Host) => recordsIn(calls.current(host)),
  });
}

function openSession<Host>(calls: ServerSessionCalls<Host>, host: Host): OpenSession {
  /** The data that the store had at the last read. */
  let stored: Readonly<Record<string, unknown>> | undefined;
  let isGone = false;
  /** The number of calls that the store has not answered yet. */
  let unanswered = 0;

  async function settle<T>(call: () => Promise<T>): Promise<T> {
    unanswered += 1;
    try {
      return await call();
    } finally {
      unanswered -= 1;
    }
  }

  /** @throws Error when the answer was begun, since every change of the login may need a cookie. */
  function checkUnsent(): void {
    if (calls.areHeadersSent?.(host) !== true) return;
    throw new Error(
      "The response was started before the login could answer, so the login cannot set a cookie. Look for middleware that sends headers early, or that answers slow requests itself.",
    );
  }

  async function write(records: LoginRecords): Promise<void> {
    calls.current(host)[MEMBER] = records;
    await settle(() => calls.save(host));
    isGone = false;
  }

  return {
    session: {
      get id() {
        return calls.id(host);
      },
      get loaded() {
        return recordsIn(calls.current(host));
      },
      async read() {
        checkUnsent();
        stored = (await settle(() => calls.read(host)).catch(undefinedIfMissing)) ?? undefined;
        isGone = stored === undefined;
        return stored && recordsIn(stored);
      },
      write,
      async renew(records, keep) {
        checkUnsent();
        const kept = keptMembers(stored ?? calls.current(host), keep);
        try {
          await settle(() => calls.regenerate(host));
          const session = calls.current(host);
          for (const [name, value] of kept) if (!(name in session)) session[name] = value;
          await write(records);
        } catch (error) {
          calls.forget(host);
          throw error;
        }
      },
      async drop() {
        await settle(() => calls.destroy(host));
      },
    },
    commit(answer) {
      if (isGone || unanswered > 0) calls.forget(host);
      return answer;
    },
  };
}

const recordsIn = (session: Readonly<Record<string, unknown>>): LoginRecords =>
  (session[MEMBER] ?? {}) as LoginRecords;

/** Stores in files report a missing session by this code. */
function undefinedIfMissing(error: unknown): undefined {
  if ((Object(error) as { code?: unknown }).code === "ENOENT") return undefined;
  throw error;
}
