import type { SignIn } from "./login-records.js";
import type { LoginSession } from "./login-session.js";

/** Sign-ins less than a minute apart count as a row. */
const ROW_MS = 60_000;

/** After this many sign-ins in a row, another one is not expected to help. */
const MAX_IN_ROW = 3;

/** When the user signed in, and the position of that sign-in in its row, from 1. */
export interface SignInTime {
  readonly at: number;
  readonly inRow: number;
}

/** Counts a sign-in that replaces an earlier one of the same browser. */
export function signInTime(now: number, replaced: SignIn | undefined): SignInTime {
  const { at = Number.NEGATIVE_INFINITY, inRow = 0 } = replaced ?? {};
  return { at: now, inRow: now - at < ROW_MS ? inRow + 1 : 1 };
}

const signInOfSession = new WeakMap<LoginSession, SignIn>();

/** True for a sign-in that must be noted by {@link noteSignIn}. Most are in no such row. */
export const isInLongRow = ({ inRow = 0 }: SignIn): boolean => inRow >= MAX_IN_ROW;

/** Remembers the sign-in that was found in a session. */
export function noteSignIn(session: LoginSession, signIn: SignIn): void {
  signInOfSession.set(session, signIn);
}

/**
 * True when the browser has just signed in several times in a row. If its session is over all the same, another redirect
 * to the login would only continue a loop.
 */
export function isLoginInVain(session: LoginSession | undefined): boolean {
  const signIn = session && signInOfSession.get(session);
  const { at = Number.NEGATIVE_INFINITY } = signIn ?? {};
  return Date.now() - at < ROW_MS;
}
