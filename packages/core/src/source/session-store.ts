import type { Deadline } from "../base/deadline.js";
import type { AccessToken } from "../token/access-token.js";
import type { ReportEvent, TokenAnswer } from "../token/token-call.js";
import { sessionClosedError, writesRefusedError } from "./session-errors.js";
import { clockOf, type Renewal, type SessionState } from "./session-state.js";
import {
  answerFromRecord,
  type FoundRecord,
  findRecord,
  findReplaceable,
  replaceRecord,
} from "./store-access.js";
import { precedes, refreshTokenName, type TokenRecord } from "./token-record.js";

/** One renewal loses this many writes only when the store does not compare and set. */
const MAX_CONFLICTS = 32;

/** @internal */
export const startRenewal = (renewal: Omit<Renewal, "conflicts">): Renewal => ({
  ...renewal,
  conflicts: { left: MAX_CONFLICTS },
});

/**
 * The same renewal for a repetition of its write, which has a time limit of its own.
 * @internal
 */
export const repeatRenewal = ({ session, context }: Renewal, limit: Deadline, report: ReportEvent): Renewal =>
  startRenewal({ session, limit, context: { ...context, report } });

/** @internal */
export async function findSession({ session, limit, context }: Renewal): Promise<FoundRecord> {
  const found = await findRecord(session.place, limit, context.report);
  if (!isBehind(session, found)) noteLatest(session, found.record);
  return found;
}

/** After `end()`, nothing of the session is left in memory. */
function noteLatest(session: SessionState, record: TokenRecord | undefined): void {
  session.latest = session.isEnded ? undefined : record;
}

/**
 * Whether the store has lost what it had of the session, because a backup was restored or a replica without the last
 * writes took over.
 * @internal
 */
export const isBehind = ({ latest }: SessionState, { record }: FoundRecord): boolean =>
  record !== undefined && latest !== undefined && precedes(record, latest);

/**
 * Like {@link findSession}, for a new login, which replaces every record.
 * @internal
 */
export const findReplaceableSession = ({ session, limit, context }: Renewal): Promise<FoundRecord> =>
  findReplaceable(session.place, limit, context.report);

/**
 * The token of a found record, as the answer to the callers; undefined when it cannot be used.
 * @internal
 */
export const answerFrom = ({ session, context }: Renewal, found: FoundRecord): TokenAnswer | undefined =>
  answerFromRecord(found, context, session.scope, clockOf(session));

/**
 * Like {@link answerFrom}, but takes a token that ends sooner than it is needed.
 * @internal
 */
export const answerShortlyFrom = (
  { session, context: { outdated } }: Renewal,
  found: FoundRecord,
): TokenAnswer | undefined =>
  answerFromRecord(found, { outdated, neededMs: 0 }, session.scope, clockOf(session));

/** @internal */
export function recordOf(token: AccessToken, previous?: TokenRecord, scope?: readonly string[]): TokenRecord {
  const { login = nameOfLogin(previous?.token ?? token), renewals = 0 } = previous ?? {};
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
    scope,
    refreshTokenExpiresAt: Number.isFinite(endsAt) ? endsAt : undefined,
    loginAt: previous === undefined ? token.issuedAt : previous.loginAt,
    login,
    renewals: previous === undefined ? 0 : renewals + 1,
  };
}

/** @internal */
export const nameOfLogin = ({ refreshToken, value }: AccessToken): string =>
  refreshTokenName(refreshToken ?? value);

/** When nothing in a record can be used any more, as far as that is known. */
const endOf = ({ token, refreshTokenExpiresAt = Number.POSITIVE_INFINITY }: TokenRecord): number =>
  Math.max(token.expiresAt, refreshTokenExpiresAt);

/**
 * Puts a record in the place of the one that was found. Resolves to its version; undefined when another process was
 * faster.
 *
 * @throws
 * - TalkdeskError (rejection) `source_closed`: the session was ended.
 * - TalkdeskError (rejection) `store_unavailable`: the store failed, or refuses every write.
 * @internal
 */
export async function writeSession(
  { session, limit, conflicts }: Renewal,
  found: FoundRecord,
  record: TokenRecord,
  options: { readonly fence?: number } = {},
): Promise<number | undefined> {
  if (session.isEnded) throw sessionClosedError();
  const { place, maxIdleMs } = session;
  const version = await replaceRecord(place, limit, found, record, {
    ...options,
    endsAt: Math.min(place.clock.now() + maxIdleMs, endOf(record)),
    watch: (writing, value) => watchWrite(session, writing, value),
  });
  // 0 is no version, so a store that answers with it has not written either.
  if (version) {
    noteLatest(session, record);
    return version;
  }
  if (conflicts.left-- === 0) throw writesRefusedError();
  return undefined;
}

/** Lets `end()` wait for a write, and takes back one that settles after the end. */
async function watchWrite(
  session: SessionState,
  writing: Promise<number | undefined>,
  value: string,
): Promise<number | undefined> {
  // Without what it settles with: an error remembers the calls that it came from, and their tokens.
  session.writing = writing.then(
    () => {},
    () => {},
  );
  const version = await writing;
  if (session.isEnded) {
    const { store, key } = session.place;
    // Only its own record: a new login may have written another since.
    if ((await store.read(key))?.value === value) await store.delete(key);
  }
  return version;
}
