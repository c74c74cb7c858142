import { TalkdeskError, type TalkdeskErrorOptions } from "../base/errors.js";
import { type Call, clockOf, find, write } from "./session-call.js";
import type { FoundRecord } from "./store-access.js";
import { refreshTokenName, type TokenRecord } from "./token-record.js";

interface Spendable {
  readonly record: TokenRecord;
  readonly refreshToken: string;
  readonly name: string;
}

/**
 * The refresh token in a record, if it may still be sent.
 * @internal
 */
export async function spendableToken(call: Call, found: FoundRecord): Promise<Spendable> {
  const { record } = found;
  if (record === undefined) {
    throw await ended(
      call,
      found,
      "Nobody is logged in under this key, or the session was ended; log the user in again.",
    );
  }
  const { refreshToken } = record.token;
  if (refreshToken === undefined) {
    throw await ended(
      call,
      found,
      "The session has no refresh token; log the user in again, and ask for the scope refresh_token to get one.",
    );
  }
  const name = refreshTokenName(refreshToken);
  if (record.dead === name || call.session.refused === name) throw await ended(call, found, REFUSED_FOR_GOOD);
  if (record.refreshTokenExpiresAt !== undefined && record.refreshTokenExpiresAt <= clockOf(call).now()) {
    throw await ended(call, found, "The session's refresh token has expired; log the user in again.");
  }
  return { record, refreshToken, name };
}

/**
 * What an answer says that a refresh token was exchanged for nothing: never sent, or refused as a request.
 * @internal
 */
export function saysNothingExchanged({ code, status }: TalkdeskError): boolean {
  switch (code) {
    case "token_network":
    case "credentials_unavailable":
    case "client_refused":
    case "request_refused":
      return true;
    case "token_unavailable":
      // What stands before the token endpoint, and has had no answer of it.
      return status !== 502 && status !== 504;
    default:
      return false;
  }
}

/**
 * RFC 6749 §5.2, and the code outside it that Talkdesk documents for a refresh token.
 * @internal
 */
export function isGrantRefused({ code, error, status }: TalkdeskError): boolean {
  if (code !== "request_refused" && code !== "client_refused") return false;
  return error === "invalid_grant" || (error === "unauthorized" && status === 401);
}

/**
 * The record of a session that a refused refresh token has ended; undefined when the store has a newer one, which
 * another process has been given for it. An earlier attempt without an answer says nothing about a revocation.
 * @internal
 */
export async function refusedSession(
  call: Call,
  { refreshToken, name, wasMarked }: { refreshToken: string; name: string; wasMarked: boolean },
  refusal: TalkdeskError,
): Promise<FoundRecord | undefined> {
  const { session } = call;
  if (!wasMarked) session.refused = name;
  for (;;) {
    const found = await find(call);
    const { record } = found;
    if (record === undefined) return found;
    if (record.token.refreshToken !== refreshToken) return undefined;
    if (record.dead === name) return found;
    if (wasMarked) {
      const { status, error, errorDescription } = refusal;
      throw new TalkdeskError(
        "refresh_outcome_unknown",
        "The refresh token was refused, and the answer to an earlier attempt with it was lost: that attempt probably replaced it. Log the user in again.",
        defined({ status, error, errorDescription }),
      );
    }
    const { attempt: _, ...rest } = record;
    const isOver = record.token.value === call.context.refused;
    const dead: TokenRecord = { ...rest, dead: name, ...(isOver && { isOver }) };
    if (await write(call, found, dead)) return { ...found, record: dead };
  }
}

/**
 * What a call rejects with when a session can no longer be renewed; its end is reported once. The token of the record
 * may still be good. It is not when the API has refused it: then the record says so to every process.
 * @internal
 */
export async function ended(
  call: Call,
  found: FoundRecord,
  message: string,
  refusal?: TalkdeskError,
): Promise<TalkdeskError> {
  const { session, context } = call;
  const { record } = found;
  if (record !== undefined && record.isOver !== true && record.token.value === context.refused) {
    // Where it fails, the next process is refused itself.
    await write(call, found, { ...record, isOver: true }).catch(() => {});
    context.withdraw();
  }
  if (record === undefined || record.isOver === true) context.withdraw();
  const { status, error, errorDescription, hints } = refusal ?? {};
  const end = reauthentication(message, defined({ status, error, errorDescription, hints }));
  if (!session.endReported) {
    session.endReported = true;
    context.report("session_ended", end);
  }
  return end;
}

/** @internal */
export const REFUSED_FOR_GOOD =
  "The token endpoint refused the session's refresh token: it was revoked, has expired, or was used elsewhere. Log the user in again.";

const reauthentication = (message: string, options?: TalkdeskErrorOptions): TalkdeskError =>
  new TalkdeskError("reauthentication_required", message, options);

/** The members that are not undefined. */
function defined<Members extends object>(members: Members): TalkdeskErrorOptions {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
