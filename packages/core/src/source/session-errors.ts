import { TalkdeskError } from "../base/errors.js";

/** Why a session needs a new login: the sentences of `reauthentication_required`. */
export const SESSION_IS_OVER = {
  noRecord: "Nobody is logged in under this key, or the session was ended; log the user in again.",
  noRefreshToken:
    "The session has no refresh token; log the user in again, and ask for the scope refresh_token to get one.",
  expired: "The session's refresh token has expired; log the user in again.",
  refused:
    "The token endpoint refused the session's refresh token: it was revoked, has expired, or was used elsewhere. Log the user in again.",
} as const;

/** @internal */
export const loginNeededError = (
  reason: keyof typeof SESSION_IS_OVER,
  refusal?: TalkdeskError,
): TalkdeskError => {
  const { status, error, errorDescription, hints } = refusal ?? {};
  return new TalkdeskError("reauthentication_required", SESSION_IS_OVER[reason], {
    status,
    error,
    errorDescription,
    hints,
  });
};

/** @internal */
export const outcomeUnknownError = ({
  status,
  error,
  errorDescription,
}: Pick<TalkdeskError, "status" | "error" | "errorDescription">): TalkdeskError =>
  new TalkdeskError(
    "refresh_outcome_unknown",
    "The refresh token was refused, and the answer to an earlier attempt with it was lost: that attempt probably replaced it. Log the user in again.",
    { status, error, errorDescription },
  );

/** @internal */
export const answerOverdueError = (timeoutMs: number): TalkdeskError =>
  new TalkdeskError(
    "refresh_outcome_unknown",
    `A refresh token was sent and no answer came within ${timeoutMs} ms. The answer is still awaited in the background, so ask again.`,
  );

/** @internal */
export const sessionClosedError = (): TalkdeskError =>
  new TalkdeskError("source_closed", "This session was closed.");

/** @internal */
export const lockTimeoutError = (): TalkdeskError =>
  new TalkdeskError(
    "lock_timeout",
    "Another refresh of the session holds its lock and has not finished; ask again. If its process has crashed, the lock ends by itself.",
  );

/** @internal */
export const writesRefusedError = (): TalkdeskError =>
  new TalkdeskError("store_unavailable", "The store of tokens refuses every write of the session.");

/** @internal */
export const lostWritesError = (): TalkdeskError =>
  new TalkdeskError(
    "store_corrupt",
    "The store of tokens has lost the last writes of the session, as after a failover or the restore of a backup. This process stores again what it knows.",
  );
