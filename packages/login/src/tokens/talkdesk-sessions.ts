import {
  type AccessToken,
  endUserSession,
  type TalkdeskClient,
  TalkdeskError,
  type TokenSource,
} from "@talkdesk-oauth/core";
import { isWithin } from "../base/bounded-wait.js";

/** The sessions of users at Talkdesk itself, for a login that ends them at a logout. */
export interface TalkdeskSessions {
  /**
   * Asks Talkdesk for the id of the user whose token it is. Undefined when there is no id in the answer, or no answer
   * within two seconds. Never rejects.
   */
  askUserId(token: AccessToken): Promise<string | undefined>;
  /**
   * Ends a user's session, within five seconds.
   *
   * @param candidates What may be the user's id, the best first.
   * @throws TalkdeskError (rejection) `token_unexpected_response` when none of them has the form of an id, else as
   *   `endUserSession` throws.
   */
  end(candidates: readonly (string | undefined)[]): Promise<void>;
}

/** A login waits no longer for the user's id, which it can do without. */
const ASK_PATIENCE_MS = 2_000;

/** Enough for a new token and the request itself, and short enough for a person who is leaving. */
const END_PATIENCE_MS = 5_000;

/**
 * @param source Has the scope `user-session-public:end`, and names its identity host.
 * @param client The client that users sign in with.
 */
export function talkdeskSessions(source: TokenSource, client: TalkdeskClient): TalkdeskSessions {
  return {
    async askUserId(token) {
      const stop = new AbortController();
      let userId: string | undefined;
      const asked = fetchUserId(client, token, stop.signal).then(
        (found) => {
          userId = found;
        },
        () => {},
      );
      await isWithin(ASK_PATIENCE_MS, asked);
      stop.abort();
      return userId;
    },
    async end(candidates) {
      const userId = candidates.find(isUserId);
      if (userId === undefined) {
        throw new TalkdeskError(
          "token_unexpected_response",
          "The user's id at Talkdesk is not known, so the session there goes on: at the login, GET /users/me gave no id, and the ID token's sub is not one; check that the token has the scope openid.",
        );
      }
      const { fetch } = client;
      await endUserSession(source, { userId, timeoutMs: END_PATIENCE_MS, ...(fetch && { fetch }) });
    },
  };
}

/** Printable ASCII without spaces, 24 characters long. */
const isUserId = (value: unknown): value is string =>
  typeof value === "string" && /^[\x21-\x7e]{24}$/.test(value);

async function fetchUserId(
  { endpoints, fetch = globalThis.fetch }: TalkdeskClient,
  { authorization }: AccessToken,
  signal: AbortSignal,
): Promise<string | undefined> {
  const headers = new Headers({ accept: "application/json", authorization });
  const url = `${endpoints.api}/users/me`;
  // Some frameworks cache what `fetch` gets. Workers with an older compatibility date have no such option.
  const cache = "cache" in Request.prototype ? { cache: "no-store" as const } : {};
  const answer = await fetch(url, { method: "GET", headers, redirect: "manual", signal, ...cache });
  if (answer.status !== 200 || answer.redirected) return undefined;
  const { id } = Object(JSON.parse((await answer.text?.()) ?? "{}")) as { id?: unknown };
  return isUserId(id) ? id : undefined;
}
