import type { LoginSession, OpenSession } from "./login-session.js";

// In a WeakMap, not under a symbol of the request: a request of Express has so many members that V8 copies all of them
// to make room for one more, which costs more time and memory than an entry here.

/** Makes a function that opens something for each request once. */
export function onceForEach<Host extends object, T>(open: (host: Host) => T): (host: Host) => T {
  const opened = new WeakMap<Host, T>();
  return (host) => {
    const known = opened.get(host) ?? open(host);
    opened.set(host, known);
    return known;
  };
}

/** How to open the session of a request, by request. */
const noted = new WeakMap<object, (host: never) => OpenSession>();

/**
 * Remembers how to open the session by which the user of a request was looked for: answers that lead to a login depend
 * on that session, and all others do without it.
 */
export function noteSession<Host extends object>(host: Host, open: (host: Host) => OpenSession): void {
  noted.set(host, open);
}

/**
 * The session that the `source` of a {@link frameworkLogin} was asked with for a request, for {@link errorAnswer}.
 * Undefined when it was not asked.
 *
 * @example
 * const answer = errorAnswer(error, { ...readRequestFacts(request), session: notedSession(request) });
 */
export function notedSession(host: object): LoginSession | undefined {
  return noted.get(host)?.(host as never).session;
}
