import { checkSecret } from "@talkdesk-oauth/core";
import type { RequestHandler } from "express";
import { Router } from "express";
import session, { type Store } from "express-session";

/** How browsers are recognised. */
export interface BrowserSessionOptions {
  readonly secret: string | readonly string[];
  readonly store?: Store | undefined;
  /** Whether browsers reach the portal by https, which a proxy may do for it. */
  readonly isHttps: boolean;
}

const idleMs = 8 * 3_600_000;

/** Gives each browser a session, as soon as there is something to put into it; eight hours of silence end it. */
export function browserSessions({ secret, store, isHttps }: BrowserSessionOptions): RequestHandler {
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
      cookie: { httpOnly: true, sameSite: "lax", secure: isHttps, path: "/", maxAge: idleMs },
      ...(store && { store }),
    }),
  );
  return sessions;
}
