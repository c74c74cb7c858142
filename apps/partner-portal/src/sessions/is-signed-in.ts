import type {} from "@talkdesk-oauth/express";
import type { Request } from "express";

/** True when somebody is signed in: `talkdesk(login.source)` sets `request.talkdesk` then, and only then. */
export function isSignedIn(request: Request): boolean {
  return Boolean(request.talkdesk);
}
