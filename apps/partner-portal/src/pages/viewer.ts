import type {} from "@talkdesk-oauth/express";
import type { Request } from "express";
import type {} from "express-session";
import { fetchOwnUser, type User } from "../api/users.js";

declare module "express-session" {
  interface SessionData {
    /** What pages call the signed-in user: empty when Talkdesk did not say. */
    viewer?: string;
  }
}

/** A page is not worth a longer wait for the name of its reader. */
const PATIENCE_MS = 2_000;

/** What a page calls the signed-in user: empty while that is not known; undefined when nobody is signed in. */
export function viewerOf({ session, talkdesk }: Request): string | undefined {
  return talkdesk === undefined ? undefined : (session.viewer ?? "");
}

/** Notes the signed-in user for the pages of this session: the name, or else the e-mail address. */
export function noteViewer({ session }: Request, { name, email }: User): string {
  session.viewer = name || email;
  return session.viewer;
}

/**
 * What a page calls the signed-in user. The first page of a session asks Talkdesk, and gets an empty name when Talkdesk
 * does not answer within two seconds.
 */
export async function findViewer(request: Request): Promise<string> {
  const { session, talkdesk } = request;
  if (session.viewer !== undefined) return session.viewer;
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const user = await fetchOwnUser(talkdesk.fetch, signal).catch(() => ({ id: "", name: "", email: "" }));
  return noteViewer(request, user);
}
