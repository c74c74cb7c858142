import type { LoginSession } from "@talkdesk-oauth/login";
import type { Context } from "hono";

const sessions = new WeakMap<Context, LoginSession>();

/** Remembers the session that a login was asked with: answers that lead to a login depend on it. */
export function noteSession(c: Context, session: LoginSession): void {
  sessions.set(c, session);
}

/** The session of a request; undefined when no login was asked. */
export function notedSession(c: Context): LoginSession | undefined {
  return sessions.get(c);
}
