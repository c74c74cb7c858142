import {
  encodeBase64url,
  type PendingAuthorization,
  type Scope,
  type TalkdeskClient,
} from "@talkdesk-oauth/core";

/** A login that was begun in a browser, until it comes back. */
export interface PendingLogin {
  readonly state: string;
  /** Absent once the session has changed: such a login cannot be completed, and only says where its tab was going. */
  readonly nonce?: string;
  /** Present with PKCE. */
  readonly codeVerifier?: string;
  /** The digest of the id of the session that it was begun in; absent in sessions without an id. */
  readonly session?: string;
  /** In epoch milliseconds. */
  readonly begunAt: number;
  /** A path of the app, already checked. */
  readonly returnTo: string;
  /** The AppConnect installation whose client began it. */
  readonly installationId?: string;
}

/** How many tabs one person may leave at the login. One more, and the oldest is forgotten. */
const MAX_PENDING = 10;

/** How much all the addresses to return to may take in one session, in characters. Strangers choose them. */
const MAX_RETURN_TO_TOTAL = 2_048;

const LIFETIME_MS = 10 * 60_000;

/** The logins that can still be completed, with one more. The oldest addresses make room for younger ones. */
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

/** Finds the login of a state, and those that remain: a login is good for one callback. */
export function takenPending(
  logins: readonly PendingLogin[],
  state: string | undefined,
): { readonly taken?: PendingLogin; readonly rest: readonly PendingLogin[] } {
  const taken = logins.find((login) => login.state === state);
  return taken === undefined ? { rest: logins } : { taken, rest: logins.filter((login) => login !== taken) };
}

/** True within ten minutes of its beginning. A clock that was set back makes no login live longer. */
export function isAlive({ begunAt }: PendingLogin, now: number): boolean {
  return Math.abs(now - begunAt) < LIFETIME_MS;
}

/** Names a session without telling its id, which is as good as its cookie. */
export async function sessionDigest(id: unknown): Promise<string | undefined> {
  if (typeof id !== "string") return undefined;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(id));
  return encodeBase64url(new Uint8Array(digest, 0, 16));
}

/**
 * True when a login was begun in the session that its callback came with. A stranger may have begun a login in a session
 * and then planted that session's id in a browser: once the id changes, that login signs nobody in.
 */
export function isOfSession(
  login: PendingLogin,
  session: string | undefined,
): login is PendingLogin & { readonly nonce: string } {
  return login.nonce !== undefined && login.session === session;
}

/**
 * What `startAuthorization` gave. A session keeps only what cannot be made again: of the address, `finishAuthorization`
 * needs the scope alone.
 */
export function authorizationOf(
  { state, nonce, codeVerifier }: PendingLogin & { readonly nonce: string },
  { client, redirectUri, scope }: { client: TalkdeskClient; redirectUri: string; scope: Scope | undefined },
): PendingAuthorization {
  const url = new URL(client.endpoints.authorize);
  if (scope !== undefined) url.searchParams.set("scope", [scope].flat().join(" "));
  return { url: url.href, state, nonce, redirectUri, ...(codeVerifier !== undefined && { codeVerifier }) };
}

/** Reduces logins to what outlives a change of session: where other tabs were going, and nothing that signs in. */
export function retiredLogins(logins: readonly PendingLogin[], now: number): readonly PendingLogin[] {
  const alive = logins.filter((login) => isAlive(login, now));
  return alive.map(({ state, begunAt, returnTo, installationId }) => ({
    state,
    begunAt,
    returnTo,
    ...(installationId !== undefined && { installationId }),
  }));
}

/** True for a login that was read from a session and is whole. */
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
