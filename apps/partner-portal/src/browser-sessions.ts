import { checkSecret } from "@talkdesk-oauth/core";
import type { Request, RequestHandler } from "express";
import { Router } from "express";
import session, { type Store } from "express-session";
import { MemorySessions } from "./memory-sessions.js";

/** How browsers are recognised. */
export interface BrowserSessionOptions {
  readonly secret: string | readonly string[];
  /** Where sessions live; it must remove those that have expired. Default: in memory. */
  readonly store?: Store | undefined;
  /** Whether browsers reach the portal by https, which a proxy may do for it. */
  readonly isHttps: boolean;
}

/** How long a browser may be silent before its session ends, in milliseconds. */
export const sessionIdleMs = 8 * 3_600_000;

/** As long as a login that has begun can be completed. */
const loginMs = 10 * 60_000;

/**
 * Has the session of a browser that begins a login, and is not signed in, end soon: whoever never comes back leaves
 * nothing for long. A login gives the browser a new session, with the usual lifetime.
 *
 * @param isSignedIn Tells whether the request's browser is signed in.
 */
export const shortenForLogin =
  (isSignedIn: (request: Request) => boolean): RequestHandler =>
  (request, _response, next) => {
    if (!isSignedIn(request)) request.session.cookie.maxAge = loginMs;
    next();
  };

/** Gives each browser a session, as soon as there is something to put into it; eight hours of silence end it. */
export function browserSessions({
  secret,
  store = new MemorySessions(),
  isHttps,
}: BrowserSessionOptions): RequestHandler {
  const secrets = [secret].flat();
  if (secrets.length === 0) throw new TypeError("sessionSecret must not be empty.");
  for (const text of secrets) checkSecret(text);
  const sessions = Router();
  if (isHttps) {
    // The proxy in front spoke https, whether it says so or not: the origin is configured.
    sessions.use((request, _response, next) => {
      Object.defineProperty(request, "secure", { value: true, configurable: true });
      next();
    });
  }
  sessions.use(
    session({
      // The prefix has browsers refuse a cookie of that name that was set by a sub-domain, or without https.
      name: isHttps ? "__Host-portal" : "portal",
      secret: secrets,
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { httpOnly: true, sameSite: "lax", secure: isHttps, path: "/", maxAge: sessionIdleMs },
      store,
    }),
  );
  return sessions;
}
