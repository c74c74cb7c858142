import {
  encodeBase64url,
  type PendingAuthorization,
  type Scope,
  type TalkdeskClient,
} from "@talkdesk-oauth/core";

/** A login that a browser has begun and not completed yet. */
export interface PendingLogin {
  readonly state: string;
  /**
   * Absent after the session's id has changed: the login cannot be completed any more, and only records where its tab
   * was going.
   */
  readonly nonce?: string;
  /** Present with PKCE. */
  readonly codeVerifier?: string;
  /** The digest of the session id under which the login began; absent in sessions without an id. */
  readonly session?: string;
  /** In epoch milliseconds. */
  readonly begunAt: number;
  /** A path of the app, already checked. */
  readonly returnTo: string;
  /** The AppConnect installation whose client began it. */
  readonly installationId?: string;
}

/** How many pending logins a session keeps, one for each tab. One more replaces the oldest. */
const MAX_PENDING = 10;

/** The most characters of all return paths in one session. Links on other sites can choose the paths. */
const MAX_RETURN_TO_TOTAL = 2_048;

const LIFETIME_MS = 10 * 60_000;

/** Adds a login to those that can still be completed. The oldest return paths make room for newer ones. */
export function withPending(logins: readonly PendingLogin[], added: PendingLogin): readonly PendingLogin[] {
  const kept = [...logins.filter((login) => isAlive(login, added.begunAt)), added].slice(-MAX_PENDING);
  let room = MAX_RETURN_TO_TOTAL;
  return kept
    .reverse()
    .map((login) => {
      room -= login.returnTo.length;
      return room < 0 ? { ...login, returnTo: "/" } : login;
    })
    .reverse();
}

/** Separates the login of a state from the others, since a login serves one callback only. */
export function takenPending(
  logins: readonly PendingLogin[],
  state: string | undefined,
): { readonly taken?: PendingLogin; readonly rest: readonly PendingLogin[] } {
  const taken = logins.find((login) => login.state === state);
  return taken === undefined ? { rest: logins } : { taken, rest: logins.filter((login) => login !== taken) };
}

/**
 * True within ten minutes of the login's beginning, before or after it, so that a clock that was set back does not
 * extend logins.
 */
export function isAlive({ begunAt }: PendingLogin, now: number): boolean {
  return Math.abs(now - begunAt) < LIFETIME_MS;
}

/** A digest of a session's id. The id itself is not stored, because it is as secret as the cookie. */
export async function sessionDigest(id: unknown): Promise<string | undefined> {
  if (typeof id !== "string") return undefined;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return encodeBase64url(new Uint8Array(digest, 0, 16));
}

/**
 * True when the login began under the session id that its callback came with. Prevents session fixation: an attacker
 * may begin a login and plant the session's id in another browser, but the login is refused once the id has changed.
 */
export function isOfSession(
  login: PendingLogin,
  session: string | undefined,
): login is PendingLogin & { readonly nonce: string } {
  return login.nonce !== undefined && login.session === session;
}

/**
 * Rebuilds the result of `startAuthorization`. The session does not keep the URL, because `finishAuthorization` reads
 * only its scope.
 */
export function authorizationOf(
  { state, nonce, codeVerifier }: PendingLogin & { readonly nonce: string },
  { client, redirectUri, scope }: { client: TalkdeskClient; redirectUri: string; scope: Scope | undefined },
): PendingAuthorization {
  const url = new URL(client.endpoints.authorize);
  if (scope !== undefined) url.searchParams.set("scope", [scope].flat().join(" "));
  return { url: url.href, state, nonce, redirectUri, ...(codeVerifier !== undefined && { codeVerifier }) };
}

/**
 * Reduces logins to the parts that outlive a change of the session's id: where other tabs were going, and nothing that
 * can sign in.
 */
export function retiredLogins(logins: readonly PendingLogin[], now: number): readonly PendingLogin[] {
  const alive = logins.filter((login) => isAlive(login, now));
  return alive.map(({ state, begunAt, returnTo, installationId }) => ({
    state,
    begunAt,
    returnTo,
    ...(installationId !== undefined && { installationId }),
  }));
}

/** True for a complete login, as read from a session. */
export function isPendingLogin(value: unknown): value is PendingLogin {
  const { state, nonce, codeVerifier, session, begunAt, returnTo, installationId } = Object(value) as Partial<
    Record<keyof PendingLogin, unknown>
  >;
  return (
    [state, returnTo].every((text) => typeof text === "string" && text !== "") &&
    [nonce, codeVerifier, session, installationId].every(
      (text) => text === undefined || (typeof text === "string" && text !== ""),
    ) &&
    typeof begunAt === "number"
  );
}
