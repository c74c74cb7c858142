import { encodeBase64url } from "@talkdesk-oauth/core";
import type { LoginRecords } from "./login-session.js";
import { isPendingLogin, type PendingLogin, retiredLogins } from "./pending-logins.js";

/** The user who is signed in, as the ID token said. */
export interface SignedInUser {
  /** The user's id at Talkdesk, unique within the issuer of its ID tokens. */
  readonly sub: string;
  /** The full name; absent when the ID token has none. */
  readonly name?: string;
  /** The e-mail address; absent when the ID token has none. */
  readonly email?: string;
  /**
   * The AppConnect installation that the user came from; absent when one client serves all users. Rely on it only if
   * your app has a separate client for each installation.
   */
  readonly installationId?: string;
}

/** A sign-in without its tokens, which are in the token store under `key`. */
export interface SignIn {
  readonly key: string;
  /** In epoch milliseconds. */
  readonly at?: number;
  /** How many times in a row the browser has signed in. */
  readonly inRow?: number;
  readonly installationId?: string;
  readonly user?: SignedInUser;
  /** The user's id at Talkdesk, as `GET /users/me` gave it; absent unless a logout needs it. */
  readonly userId?: string;
}

/** The record of one login in a browser's session. */
export interface LoginRecord {
  readonly pending: readonly PendingLogin[];
  readonly signIn?: SignIn;
}

/** Records that were read from a session and checked. */
export type CheckedRecords = Readonly<Record<string, LoginRecord>>;

/**
 * The name of a login's record: its redirect URI in Base64url. Document stores refuse names with dots and dollar signs,
 * and this name cannot be a member of a prototype.
 */
export function recordName(redirectUri: string): string {
  return encodeBase64url(new TextEncoder().encode(redirectUri));
}

/** Checks the records of a session. An incomplete record counts as absent, so that nobody is half signed in. */
export function checkRecords(records: unknown): CheckedRecords {
  if (typeof records !== "object" || records === null) return {};
  return Object.fromEntries(Object.entries(records).map(([name, record]) => [name, checkRecord(record)]));
}

/** The record of one login; an empty one when there is none. */
export function recordOf(records: CheckedRecords, name: string): LoginRecord {
  return records[name] ?? { pending: [] };
}

/** The sign-in of one login. Checks nothing else, since every request calls this. */
export function signInOf(records: LoginRecords | undefined, name: string): SignIn | undefined {
  const { signIn } = Object(Object(records)[name]) as { signIn?: unknown };
  return isSignIn(signIn) ? signIn : undefined;
}

/** True when one of the app's logins has signed the browser in. */
export function hasSignIn(records: LoginRecords): boolean {
  return Object.values(checkRecords(records)).some(({ signIn }) => signIn !== undefined);
}

/**
 * The records that a session with a new id takes over: sign-ins are kept, and pending logins can no longer be
 * completed.
 */
export function renewedRecords(records: CheckedRecords, now: number): CheckedRecords {
  return Object.fromEntries(
    Object.entries(records).map(([name, record]) => [
      name,
      { ...record, pending: retiredLogins(record.pending, now) },
    ]),
  );
}

function checkRecord(value: unknown): LoginRecord {
  const { pending, signIn } = Object(value) as { pending?: unknown; signIn?: unknown };
  return {
    pending: Array.isArray(pending) ? pending.filter(isPendingLogin) : [],
    ...(isSignIn(signIn) && { signIn }),
  };
}

/** 32 random bytes in Base64url. Anything else is never used as a key of the store. */
const KEY = /^[\w-]{43}$/;

function isSignIn(value: unknown): value is SignIn {
  const { key, at, inRow, installationId, user, userId } = Object(value) as Partial<
    Record<keyof SignIn, unknown>
  >;
  return (
    typeof key === "string" &&
    KEY.test(key) &&
    isNumberOrAbsent(at) &&
    isNumberOrAbsent(inRow) &&
    isTextOrAbsent(installationId) &&
    isTextOrAbsent(userId) &&
    (user === undefined || isUser(user, installationId))
  );
}

function isUser(value: unknown, installationId: unknown): value is SignedInUser {
  const user = Object(value) as Partial<Record<keyof SignedInUser, unknown>>;
  return (
    typeof user.sub === "string" &&
    isTextOrAbsent(user.name) &&
    isTextOrAbsent(user.email) &&
    user.installationId === installationId
  );
}

const isNumberOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "number";

const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "string";
