import { type Clock, elapsedSince, type Instant, readInstant } from "../base/clock.js";
import { copyError, type TalkdeskError } from "../base/errors.js";

/**
 * The last of several failed calls in a row.
 * @internal
 */
export interface Failure {
  readonly error: TalkdeskError;
  readonly at: Instant;
  /** How many calls have failed in a row. */
  readonly count: number;
  /** The gate: no call at all for this many milliseconds after the failure. 0 while it is open. */
  readonly gateMs: number;
  /** A token that is still valid is not renewed for this many milliseconds after the failure. */
  readonly renewalPauseMs: number;
  /** When the gate closed first in this row. */
  readonly closedAt: Instant | undefined;
}

/** This many failed calls in a row close the gate. */
const FAILURES_TO_CLOSE = 5;

/**
 * Pauses after failures, in milliseconds: the first, doubling to the longest; and the most that a `Retry-After` can cause,
 * so that a wrong one does not stop a program for a day.
 */
const PAUSE_MS = { first: 1_000, longest: 30_000, longestAsked: 300_000 };

/**
 * Counts a failed call, and decides how long the next one has to wait.
 * @internal
 */
export function countFailure(previous: Failure | undefined, error: TalkdeskError, clock: Clock): Failure {
  const count = (previous?.count ?? 0) + 1;
  const at = readInstant(clock);
  const askedMs =
    error.retryAt === undefined ? 0 : Math.min(PAUSE_MS.longestAsked, Math.max(0, error.retryAt - at.wall));
  const closes = count >= FAILURES_TO_CLOSE && !needsLogin(error);
  const gateMs = askedMs > 0 ? askedMs : closes ? pauseMs(count - FAILURES_TO_CLOSE) : 0;
  return {
    error,
    at,
    count,
    gateMs,
    renewalPauseMs: Math.max(gateMs, pauseMs(count - 1)),
    closedAt: previous?.closedAt ?? (gateMs > 0 ? at : undefined),
  };
}

/** Whether only a login helps, in whichever process. Then calls cause no requests, and a login must help at once. */
function needsLogin({ code, error }: TalkdeskError): boolean {
  if (code === "reauthentication_required") return true;
  return code === "refresh_outcome_unknown" && (error === "invalid_grant" || error === "unauthorized");
}

const pauseMs = (doublings: number): number => Math.min(PAUSE_MS.longest, PAUSE_MS.first * 2 ** doublings);

/** @internal */
export function isGateClosed(failure: Failure | undefined, clock: Clock): failure is Failure {
  return failure !== undefined && elapsedSince(clock, failure.at) < failure.gateMs;
}

/** @internal */
export function isRenewalPaused(failure: Failure | undefined, clock: Clock): boolean {
  return failure !== undefined && elapsedSince(clock, failure.at) < failure.renewalPauseMs;
}

/**
 * The error of calls while the gate is closed: the failure that closed it, and when it opens.
 * @internal
 */
export function gateError({ error, at, gateMs }: Failure): TalkdeskError {
  const retryAt = at.wall + gateMs;
  return copyError(error, {
    message: `${error.message} Nothing is sent before ${new Date(retryAt).toISOString()}, after repeated failures or because the server asked to wait.`,
    retryAt,
  });
}
