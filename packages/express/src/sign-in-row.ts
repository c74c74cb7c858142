import type { SignIn } from "./session-record.js";

/** Sign-ins that follow each other faster than this belong to one row. */
const ROW_MS = 60_000;

/** So many sign-ins in a row, and the next one would not help either. */
const MAX_IN_ROW = 3;

/** When somebody signed in, and which sign-in of a row that was, from 1. */
export interface SignInTime {
  readonly at: number;
  readonly inRow: number;
}

/** The time of a sign-in that replaces an earlier one of the same browser. */
export function signInTime(now: number, replaced: SignIn | undefined): SignInTime {
  const { at = Number.NEGATIVE_INFINITY, inRow = 0 } = replaced ?? {};
  return { at: now, inRow: now - at < ROW_MS ? inRow + 1 : 1 };
}

const signInOf = new WeakMap<object, SignIn>();

/** Notes whose tokens a request has. */
export function noteSignIn(request: object, signIn: SignIn): void {
  signInOf.set(request, signIn);
}

/**
 * True when the browser has just signed in, several times in a row, and its session is over all the same: the API
 * refuses what it gets. To send it to the login once more would go on for ever.
 */
export function isLoginInVain(request: object): boolean {
  const { at = Number.NEGATIVE_INFINITY, inRow = 0 } = signInOf.get(request) ?? {};
  return inRow >= MAX_IN_ROW && Date.now() - at < ROW_MS;
}
