import { keptMembers, type LoginRecords, type LoginSession } from "@talkdesk-oauth/login";
import type { FastifyRequest } from "fastify";

/** The one member of a session that belongs to logins. */
const MEMBER = "talkdeskLogins";

type Data = Readonly<Record<string, unknown>>;

/** The part of `request.session` that a login uses, as in `@fastify/session`. */
interface ServerSession {
  readonly sessionId: string;
  [name: string]: unknown;
  regenerate(): Promise<void>;
  save(): Promise<void>;
  destroy(): Promise<void>;
}

/** What `@fastify/session` puts on a request. */
interface SessionHolder {
  session: ServerSession | null;
  readonly sessionStore: { get(id: string, callback: (error: unknown, found?: Data | null) => void): void };
}

/** The session of a request, as a login uses it. */
export interface RequestSession extends LoginSession {
  /**
   * Takes a session away from its request when it is gone or its store still hangs. Otherwise the end of the request
   * would store it again and send its cookie, or wait for the store once more.
   */
  forgetUnlessUsable(): void;
}

/** True in an app that has registered `@fastify/session`. */
export const hasServerSession = (request: FastifyRequest): boolean => "sessionStore" in request;

/** The session of `@fastify/session`. It is not looked at before a member is used. */
export function serverSession(request: FastifyRequest): RequestSession {
  const holder = request as unknown as SessionHolder;
  /** What the store had when it was last read. */
  let stored: Data | null | undefined;
  let isGone = false;
  /** How many calls the store has not answered. */
  let unanswered = 0;

  async function settle<T>(call: Promise<T>): Promise<T> {
    unanswered += 1;
    try {
      return await call;
    } finally {
      unanswered -= 1;
    }
  }

  async function save(records: LoginRecords): Promise<void> {
    const session = usable(holder);
    session[MEMBER] = records;
    await settle(session.save());
    isGone = false;
  }

  return {
    get id() {
      return usable(holder).sessionId;
    },
    get loaded() {
      return recordsIn(usable(holder));
    },
    async read() {
      const { sessionId } = usable(holder);
      stored = await settle(
        new Promise<Data | null | undefined>((resolve, reject) => {
          holder.sessionStore.get(sessionId, (error, found) => {
            // Stores of files say so when a session does not exist; @fastify/session understands it, too.
            if (error && Object(error).code !== "ENOENT") reject(error);
            else resolve(found);
          });
        }),
      );
      isGone = !stored;
      return stored ? recordsIn(stored) : undefined;
    },
    write: save,
    async renew(records, keep) {
      const old = usable(holder);
      const kept = keptMembers(stored ?? old, keep);
      try {
        await settle(old.regenerate());
        const session = usable(holder);
        for (const [name, value] of kept) if (!(name in session)) session[name] = value;
        await save(records);
      } catch (error) {
        // The end of the request would store it again, and that may succeed.
        holder.session = null;
        throw error;
      }
    },
    drop: () => settle(usable(holder).destroy()),
    forgetUnlessUsable() {
      if (isGone || unanswered > 0) holder.session = null;
    },
  };
}

const recordsIn = (session: Data): LoginRecords => (session[MEMBER] ?? {}) as LoginRecords;

/** @throws TypeError when `@fastify/session` has given the request no session, or not yet. */
function usable({ session }: SessionHolder): ServerSession {
  if (typeof session?.sessionId !== "string") {
    throw new TypeError(
      "A login needs the session of @fastify/session: register it before talkdeskPlugin, with a cookie path that covers the login and all pages that use it.",
    );
  }
  return session;
}
