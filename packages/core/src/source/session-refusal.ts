import type { TalkdeskError } from "../base/errors.js";
import { loginNeededError, outcomeUnknownError, type SESSION_IS_OVER } from "./session-errors.js";
import { clockOf, type Renewal } from "./session-state.js";
import { findSession, writeSession } from "./session-store.js";
import type { FoundRecord } from "./store-access.js";
import { refreshTokenName, type TokenRecord } from "./token-record.js";

/**
 * A refresh token that may be sent, and the record that it is from.
 * @internal
 */
export interface Spendable {
  readonly record: TokenRecord;
  readonly refreshToken: string;
  /** Names the refresh token in the record. */
  readonly name: string;
}

/** What a record remembers of a refusal. */
const REMEMBERED_REFUSAL = { error: "invalid_grant" };

/**
 * The refresh token in a record.
 *
 * @throws
 * - TalkdeskError (rejection) `refresh_outcome_unknown`: it was refused after an attempt whose answer was lost.
 * - TalkdeskError (rejection) `reauthentication_required`: no refresh token may be sent. The end is reported.
 * @internal
 */
export async function requireRefreshToken(renewal: Renewal, found: FoundRecord): Promise<Spendable> {
  const { session } = renewal;
  const { record } = found;
  if (record === undefined) throw await reportEnd(renewal, found, "noRecord");
  const { refreshToken } = record.token;
  if (refreshToken === undefined) throw await reportEnd(renewal, found, "noRefreshToken");
  const name = refreshTokenName(refreshToken);
  if (record.dead === name && record.attempt === name) throw outcomeUnknownError(REMEMBERED_REFUSAL);
  if (record.dead === name || session.refused === name) throw await reportEnd(renewal, found, "refused");
  if (record.refreshTokenExpiresAt !== undefined && record.refreshTokenExpiresAt <= clockOf(session).now()) {
    throw await reportEnd(renewal, found, "expired");
  }
  return { record, refreshToken, name };
}

/**
 * Whether an error proves that the refresh token was not exchanged: it was never sent, or the request was refused.
 * @internal
 */
export function provesNoExchange({ code, status }: TalkdeskError): boolean {
  switch (code) {
    case "token_network":
    case "credentials_unavailable":
    case "client_refused":
    case "request_refused":
      return true;
    case "token_unavailable":
      // 502 and 504 come from a gateway that has had no answer of the token endpoint, which may have exchanged it.
      return status !== 502 && status !== 504;
    default:
      return false;
  }
}

/**
 * Whether the token endpoint refused the refresh token itself.
 * @see RFC 6749 §5.2; Talkdesk documents the code `unauthorized` with status 401 as well
 * @internal
 */
export function isGrantRefused({ code, error, status }: TalkdeskError): boolean {
  if (code !== "request_refused" && code !== "client_refused") return false;
  return error === "invalid_grant" || (error === "unauthorized" && status === 401);
}

/**
 * Whether the refresh token was refused when it was sent again, after an attempt whose answer was lost.
 * @internal
 */
export const isRefusedAfterLoss = ({ code, error, status }: TalkdeskError): boolean =>
  code === "refresh_outcome_unknown" &&
  (error === "invalid_grant" || (error === "unauthorized" && status === 401));

/**
 * Marks a refused refresh token as dead in the store, so that no process sends it again, and returns the record of the
 * session that is over. Returns undefined when the store has a newer refresh token by now, which another process got for
 * this one.
 *
 * @throws
 * - TalkdeskError (rejection) `refresh_outcome_unknown`: the refresh token was sent before and the answer was lost, so the
 *   refusal may be due to that.
 * @internal
 */
export async function markRefused(
  renewal: Renewal,
  {
    refreshToken,
    name,
    wasMarked,
  }: Pick<Spendable, "refreshToken" | "name"> & { readonly wasMarked: boolean },
  refusal: TalkdeskError,
): Promise<FoundRecord | undefined> {
  const { session, context } = renewal;
  if (!wasMarked) session.refused = name;
  for (;;) {
    const found = await findSession(renewal);
    const { record } = found;
    if (record === undefined) return found;
    if (record.token.refreshToken !== refreshToken) return undefined;
    if (wasMarked) {
      // The mark stays, since it says which of the two a dead refresh token means.
      const isKnown = record.dead === name;
      if (isKnown || (await writeSession(renewal, found, { ...record, attempt: name, dead: name }))) {
        throw outcomeUnknownError(refusal);
      }
      continue;
    }
    if (record.dead === name) return found;
    const { attempt: _, ...rest } = record;
    const isOver = record.token.value === context.refused;
    const dead: TokenRecord = { ...rest, dead: name, ...(isOver && { isOver }) };
    if (await writeSession(renewal, found, dead)) return { ...found, record: dead };
  }
}

/**
 * Reports, once, that the session can no longer be renewed, and returns the error for its callers.
 *
 * The access token in the record may still be valid. When the API has refused it as well, the record is marked as over,
 * so that no process hands it out.
 * @internal
 */
export async function reportEnd(
  renewal: Renewal,
  found: FoundRecord,
  reason: keyof typeof SESSION_IS_OVER,
  refusal?: TalkdeskError,
): Promise<TalkdeskError> {
  const { session, context } = renewal;
  const { record } = found;
  if (record !== undefined && record.isOver !== true && record.token.value === context.refused) {
    // If this fails, the next process finds out by a refusal of its own.
    await writeSession(renewal, found, { ...record, isOver: true }).catch(() => {});
    context.withdraw();
  }
  if (record === undefined || record.isOver === true) context.withdraw();
  const error = loginNeededError(reason, refusal);
  if (!session.isEndReported) {
    session.isEndReported = true;
    context.report("session_ended", error);
  }
  return error;
}
