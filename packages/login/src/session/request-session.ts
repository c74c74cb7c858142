import type { LoginSession, OpenSession } from "./login-session.js";

/**
 * Makes a function that opens something for each request once. The request keeps it under a symbol: a WeakMap with an
 * entry for each request costs the garbage collector far more.
 */
export function onceForEach<Host extends object, T>(open: (host: Host) => T): (host: Host) => T {
  const key = Symbol("talkdesk-oauth.session");
  return (host) => {
    const holder = host as Record<symbol, T | undefined>;
    const known = holder[key] ?? open(host);
    holder[key] = known;
    return known;
  };
}

/** Where a request keeps how to open the session by which its user was looked for. */
const NOTED = Symbol("talkdesk-oauth.noted-session");

interface Noted<Host> {
  [NOTED]?: (host: Host) => OpenSession;
}

/**
 * Remembers how to open the session by which the user of a request was looked for: answers that lead to a login depend
 * on that session, and all others do without it.
 */
export function noteSession<Host extends object>(host: Host, open: (host: Host) => OpenSession): void {
  (host as Noted<Host>)[NOTED] = open;
}

/**
 * The session that the `source` of a {@link frameworkLogin} was asked with for a request, for {@link errorAnswer}.
 * Undefined when it was not asked.
 *
 * @example
 * const answer = errorAnswer(error, { ...readRequestFacts(request), session: notedSession(request) });
 */
export function notedSession(host: object): LoginSession | undefined {
  return (host as Noted<object>)[NOTED]?.(host).session;
}
