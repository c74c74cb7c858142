import type { RequestTalkdesk } from "@talkdesk-oauth/express";
import { ApiFailure } from "../api/api-call.js";

/**
 * Finds out why the API refused a token. A 401 alone does not tell an ended session from a passing fault; the token's
 * source does, when it is asked for another token.
 *
 * @param error What the failing handler threw.
 * @returns The error of the source, or `error` itself when the source has a token or nobody is signed in.
 */
export async function findReason(error: unknown, talkdesk: RequestTalkdesk | undefined): Promise<unknown> {
  if (!(error instanceof ApiFailure && error.status === 401) || talkdesk === undefined) return error;
  try {
    await talkdesk.getToken({ rejected: await talkdesk.getToken() });
    return error;
  } catch (reason) {
    return reason;
  }
}
