import type { RequestTalkdesk } from "@talkdesk-oauth/express";
import { ApiFailure } from "./api-call.js";

/**
 * Why something failed. When Talkdesk's API refused a token, that alone does not tell a session that has ended from a
 * fault that passes: what the token's source says, asked for another one, does.
 *
 * @returns The source's error; or what failed, when that is all there is to know.
 */
export async function reasonOf(error: unknown, talkdesk: RequestTalkdesk | undefined): Promise<unknown> {
  if (!(error instanceof ApiFailure && error.status === 401) || talkdesk === undefined) return error;
  try {
    await talkdesk.getToken({ rejected: await talkdesk.getToken() });
    return error;
  } catch (reason) {
    return reason;
  }
}
