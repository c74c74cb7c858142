import type { PendingAuthorization } from "@talkdesk-oauth/core";

/** A login that was begun in a browser, until it comes back. */
export interface PendingLogin {
  readonly authorization: PendingAuthorization;
  /** In epoch milliseconds. */
  readonly begunAt: number;
  /** Checked already. */
  readonly returnTo: string;
  /** The AppConnect installation whose client began it. */
  readonly installationId?: string;
}

/** As many tabs as a person may leave at the login; one more, and the oldest is forgotten. */
const MAX_PENDING = 10;

const LIFETIME_MS = 10 * 60_000;

/** The logins that can still be completed, with one more. */
export function withPending(logins: readonly PendingLogin[], added: PendingLogin): readonly PendingLogin[] {
  return [...logins.filter((login) => isAlive(login, added.begunAt)), added].slice(-MAX_PENDING);
}

/** The login of a state, which is good for one callback, and those that remain. */
export function takenPending(
  logins: readonly PendingLogin[],
  state: string | undefined,
): { readonly taken?: PendingLogin; readonly rest: readonly PendingLogin[] } {
  const taken = logins.find(({ authorization }) => authorization.state === state);
  return taken === undefined ? { rest: logins } : { taken, rest: logins.filter((login) => login !== taken) };
}

/** A clock that was set back makes nothing live longer. */
export function isAlive({ begunAt }: PendingLogin, now: number): boolean {
  return Math.abs(now - begunAt) < LIFETIME_MS;
}

/** Whether a session that was stored holds a login here, and all of it. */
export function isPendingLogin(value: unknown): value is PendingLogin {
  const { authorization, begunAt, returnTo, installationId } = Object(value) as Record<string, unknown>;
  const { url, state, nonce, redirectUri, codeVerifier } = Object(authorization) as Record<string, unknown>;
  return (
    [url, state, nonce, redirectUri, returnTo].every((text) => typeof text === "string") &&
    [codeVerifier, installationId].every((text) => text === undefined || typeof text === "string") &&
    typeof begunAt === "number"
  );
}
