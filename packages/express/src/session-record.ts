import type { BrowserSession } from "./browser-session.js";
import { isPendingLogin, type PendingLogin } from "./pending-logins.js";

/** Who is signed in, as the ID token said; no secrets. */
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
  readonly installationId?: string;
  readonly user?: SignedInUser;
}

/** What one login keeps in a browser's session. */
export interface SessionRecord {
  readonly pending: readonly PendingLogin[];
  readonly signIn?: SignIn;
}

/** The one member of a session that is ours. It holds a record for each login of the app, by its redirect URI. */
const MEMBER = "talkdeskLogins";

export type SessionRecords = Readonly<Record<string, SessionRecord>>;

/** All records in a session. What is not whole counts as absent: somebody is signed in for certain, or not at all. */
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
export function putRecords(session: BrowserSession, records: SessionRecords): void {
  session[MEMBER] = records;
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
  const { key, installationId, user } = Object(value) as Record<string, unknown>;
  return (
    typeof key === "string" &&
    KEY.test(key) &&
    (installationId === undefined || typeof installationId === "string") &&
    (user === undefined || typeof Object(user).sub === "string")
  );
}
