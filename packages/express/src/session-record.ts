import { encodeBase64url } from "@talkdesk-oauth/core";
import { isPendingLogin, type PendingLogin, retiredLogins } from "./pending-logins.js";

/** The user who is signed in, as the ID token said; no secrets. */
export interface SignedInUser {
  /** The user at Talkdesk, unique within the issuer of its ID tokens. */
  readonly sub: string;
  readonly name?: string;
  readonly email?: string;
  /**
   * The AppConnect installation that the user came from; absent where one client is everybody's. It is as certain as the
   * client that was chosen for it is that installation's alone.
   */
  readonly installationId?: string;
}

/** A sign-in, without its tokens: those are in the store of tokens, under `key`. */
export interface SignIn {
  readonly key: string;
  /** In epoch milliseconds. */
  readonly at?: number;
  /** How many times in a row the browser has signed in. */
  readonly inRow?: number;
  readonly installationId?: string;
  readonly user?: SignedInUser;
}

/** What one login keeps in a browser's session. */
export interface SessionRecord {
  readonly pending: readonly PendingLogin[];
  readonly signIn?: SignIn;
}

/** The one member of a session that belongs to logins. It holds a record for each login of the app. */
export const MEMBER = "talkdeskLogins";

export type SessionRecords = Readonly<Record<string, SessionRecord>>;

/**
 * The name of a login's record: its redirect URI in Base64url. Stores that keep documents refuse names with dots and
 * dollar signs, and a name that begins as this one does is no member of any prototype.
 */
export function recordName(redirectUri: string): string {
  return encodeBase64url(new TextEncoder().encode(redirectUri));
}

/** All records in a session. A record that is not whole counts as absent, so that nobody is half signed in. */
export function recordsIn(session: Readonly<Record<string, unknown>>): SessionRecords {
  const records = session[MEMBER];
  if (typeof records !== "object" || records === null) return {};
  return Object.fromEntries(Object.entries(records).map(([name, record]) => [name, checkedRecord(record)]));
}

/** One of them. */
export function recordOf(records: SessionRecords, name: string): SessionRecord {
  return records[name] ?? { pending: [] };
}

/** The sign-in alone, which each request asks for. */
export function signInOf(session: Readonly<Record<string, unknown>>, name: string): SignIn | undefined {
  const records = session[MEMBER];
  if (typeof records !== "object" || records === null) return undefined;
  const { signIn } = Object((records as Record<string, unknown>)[name]) as { signIn?: unknown };
  return isSignIn(signIn) ? signIn : undefined;
}

/** Puts records in the place of those in the session. They are only ever replaced, never changed. */
export function putRecords(session: Record<string, unknown>, records: SessionRecords): void {
  session[MEMBER] = records;
}

/** What a session with another id takes over: people stay signed in, and logins that have begun come to nothing. */
export function renewedRecords(records: SessionRecords, now: number): SessionRecords {
  return Object.fromEntries(
    Object.entries(records).map(([name, record]) => [
      name,
      { ...record, pending: retiredLogins(record.pending, now) },
    ]),
  );
}

function checkedRecord(value: unknown): SessionRecord {
  const { pending, signIn } = Object(value) as { pending?: unknown; signIn?: unknown };
  return {
    pending: Array.isArray(pending) ? pending.filter(isPendingLogin) : [],
    ...(isSignIn(signIn) && { signIn }),
  };
}

/** 32 random bytes: no other key of the store is ever asked for. */
const KEY = /^[\w-]{43}$/;

function isSignIn(value: unknown): value is SignIn {
  const { key, at, inRow, installationId, user } = Object(value) as Partial<Record<keyof SignIn, unknown>>;
  return (
    typeof key === "string" &&
    KEY.test(key) &&
    [at, inRow].every((number) => number === undefined || typeof number === "number") &&
    isTextOrAbsent(installationId) &&
    (user === undefined || isUser(user, installationId))
  );
}

function isUser(value: unknown, installationId: unknown): value is SignedInUser {
  const user = Object(value) as Partial<Record<keyof SignedInUser, unknown>>;
  return (
    typeof user.sub === "string" &&
    [user.name, user.email].every(isTextOrAbsent) &&
    user.installationId === installationId
  );
}

const isTextOrAbsent = (value: unknown): boolean => value === undefined || typeof value === "string";
