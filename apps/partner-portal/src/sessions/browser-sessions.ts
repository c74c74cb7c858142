import { checkSecret } from "@talkdesk-oauth/core";
import type { RequestHandler } from "express";
import { Router } from "express";
import session, { type Store } from "express-session";
import { isSignedIn } from "./is-signed-in.js";
import { MemorySessions } from "./memory-sessions.js";

/** Options of {@link browserSessions}. */
export interface BrowserSessionOptions {
  /** Signs the cookie. Of several secrets, the first signs and all are accepted. */
  readonly secret: string | readonly string[];
  /** Where sessions are kept; it must remove expired ones. Default: in memory. */
  readonly store?: Store | undefined;
  /** True when browsers use https, also when a proxy ends TLS. */
  readonly isHttps: boolean;
}

/** A working day: a session ends after eight hours without a request. */
export const SESSION_IDLE_MS = 8 * 3_600_000;

/** As long as a login can be completed after it began. */
const LOGIN_MS = 10 * 60_000;

/**
 * Shortens the session of a browser that begins a login, so that logins which nobody completes leave nothing for long. A
 * completed login gives the browser a new session, with the usual lifetime.
 */
export const shortenUnfinishedLogins: RequestHandler = (request, _response, next) => {
  if (!isSignedIn(request)) request.session.cookie.maxAge = LOGIN_MS;
  next();
};

/** Makes the middleware that gives a browser a session as soon as there is something to keep in it. */
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
    // The configured origin says that a proxy ends TLS, also when the proxy sends no X-Forwarded-Proto.
    sessions.use((request, _response, next) => {
      Object.defineProperty(request, "secure", { value: true, configurable: true });
      next();
    });
  }
  sessions.use(
    session({
      // With this prefix, browsers refuse a cookie that a sub-domain set, or that was set without https.
      name: isHttps ? "__Host-portal" : "portal",
      secret: secrets,
      resave: false,
      saveUninitialized: false,
      rolling: true,
      cookie: { httpOnly: true, sameSite: "lax", secure: isHttps, path: "/", maxAge: SESSION_IDLE_MS },
      store,
    }),
  );
  return sessions;
}
