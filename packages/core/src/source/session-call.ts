import { type Clock, platformClock } from "../base/clock.js";
import type { Deadline } from "../base/deadline.js";
import { TalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { StoreLock } from "../store/token-store.js";
import type { AccessToken } from "../token/access-token.js";
import type { TokenAnswer, TokenCallContext } from "../token/lifecycle.js";
import {
  type FoundRecord,
  findRecord,
  replaceRecord,
  sharedAnswer,
  type TokenPlace,
} from "./store-access.js";
import type { TokenRecord } from "./token-record.js";

/**
 * What one source knows of its session beside the token that it hands out.
 * @internal
 */
export interface SessionState {
  readonly client: TalkdeskClient;
  readonly place: TokenPlace;
  readonly scope: readonly string[] | undefined;
  /** How long the record lives without a write. */
  readonly maxIdleMs: number;
  /** The token of a login, until it is in the store or has lost to a later one. */
  login: Login | undefined;
  /** A write that has failed and is repeated. */
  unsaved: Unsaved | undefined;
  /** The name of a refresh token that was refused for good, should the store not have been told. */
  refused: string | undefined;
  /** Whether the end was reported. */
  endReported: boolean;
  /** Nothing more may be written. */
  isEnded: boolean;
  /** Resolves when the last write has settled. */
  writing: Promise<void> | undefined;
}

/** @internal */
export interface Login {
  readonly token: AccessToken;
  /** Whether it has just happened, so that it replaces whatever is in the store; else the later token wins. */
  readonly isNew: boolean;
}

/** @internal */
export interface Unsaved {
  /** Tries once more; resolves when nothing is left to be saved. */
  readonly save: (limit: Deadline, report: TokenCallContext["report"]) => Promise<void>;
  /** Kept until then, so that nobody else spends the refresh token that was exchanged. */
  readonly lock: StoreLock | undefined;
  attempt: Promise<void> | undefined;
  failures: number;
  /** Of the next attempt. */
  timer?: unknown;
}

/**
 * One call for the session's token.
 * @internal
 */
export interface Call {
  readonly session: SessionState;
  readonly context: TokenCallContext;
  readonly limit: Deadline;
  /** How many more writes may lose to somebody else's. */
  readonly conflicts: { left: number };
}

/**
 * A store that refuses more of one call's writes does not compare and set.
 * @internal
 */
export const MAX_CONFLICTS = 32;

/**
 * The same call, when a write of it is tried again.
 * @internal
 */
export const repeated = (call: Call, limit: Deadline, report: TokenCallContext["report"]): Call => ({
  ...call,
  limit,
  context: { ...call.context, report },
  conflicts: { left: MAX_CONFLICTS },
});

/** @internal */
export const clockOf = ({ session }: Pick<Call, "session">): Clock => session.client.clock ?? platformClock;

/** @internal */
export const find = ({ session, limit, context }: Call): Promise<FoundRecord> =>
  findRecord(session.place, limit, context.report);

/** @internal */
export const shared = (call: Call, found: FoundRecord): TokenAnswer | undefined =>
  sharedAnswer(found, call.context, call.session.scope, clockOf(call));

/**
 * {@link shared}, however long it is needed.
 * @internal
 */
export const sharedForNow = (call: Call, found: FoundRecord): TokenAnswer | undefined =>
  shared({ ...call, context: { ...call.context, neededMs: 0 } }, found);

/** @internal */
export function recordOf(token: AccessToken, previous?: TokenRecord, scope?: readonly string[]): TokenRecord {
  const lifetime = token.extra["refresh_token_expires_in"];
  const isKept = previous?.token.refreshToken === token.refreshToken;
  const endsAt =
    typeof lifetime === "number"
      ? token.issuedAt + lifetime * 1000
      : isKept
        ? previous?.refreshTokenExpiresAt
        : undefined;
  return {
    token,
    ...(scope !== undefined && { scope }),
    ...(endsAt !== undefined && Number.isFinite(endsAt) && { refreshTokenExpiresAt: endsAt }),
  };
}

/** When nothing in a record is good for anything, as far as that is known. */
const endOf = ({ token, refreshTokenExpiresAt = Number.POSITIVE_INFINITY }: TokenRecord): number =>
  Math.max(token.expiresAt, refreshTokenExpiresAt);

/**
 * One write of this session; none once it has ended.
 * @internal
 */
export async function write(
  { session, limit, conflicts }: Call,
  found: FoundRecord,
  record: TokenRecord,
  options: { readonly fence?: number } = {},
): Promise<boolean> {
  if (session.isEnded) throw sessionClosed();
  const { store, clock } = session.place;
  const watched: TokenPlace["store"] = {
    read: (name) => store.read(name),
    delete: (name) => store.delete(name),
    lock: (name, lockOptions) => store.lock(name, lockOptions),
    async write(name, value, writeOptions) {
      const writing = Promise.resolve(store.write(name, value, writeOptions));
      // Not what it settles with: an error remembers the calls that it came from, and what they work with.
      session.writing = writing.then(
        () => {},
        () => {},
      );
      const version = await writing;
      // One that hung until the end must not outlive it, nor take away what a new login has put there since.
      if (session.isEnded && (await store.read(name))?.value === value) await store.delete(name);
      return version;
    },
  };
  const place = { ...session.place, store: watched };
  const endsAt = Math.min(clock.now() + session.maxIdleMs, endOf(record));
  const isWritten = Boolean(await replaceRecord(place, limit, found, record, { ...options, endsAt }));
  if (!isWritten && conflicts.left-- === 0) {
    throw new TalkdeskError("store_unavailable", "The store of tokens refuses every write of the session.");
  }
  return isWritten;
}

/** @internal */
export const sessionClosed = (): TalkdeskError =>
  new TalkdeskError("source_closed", "This session was closed.");
