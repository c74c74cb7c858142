import { findTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";
import { errorAnswer, type LoginFailure } from "@talkdesk-oauth/login";
import { ApiFailure } from "../api/api-call.js";
import type { Failure } from "../pages/failure-page.js";
import { formatDuration } from "../pages/format-duration.js";
import { LimitExceeded } from "../sessions/session-limits.js";
import { SessionsFailure } from "../sessions/stored-sessions.js";

/** A failure as the portal answers it. */
export interface AnsweredFailure extends Failure {
  readonly status: number;
  readonly retryAfterSeconds?: number;
}

const GO_HOME = { name: "Go to the home page", path: "/" };

/** The answer for an address without a page. */
export const PAGE_NOT_FOUND: AnsweredFailure = {
  status: 404,
  title: "Page not found",
  text: "The address may be mistyped, or the page no longer exists.",
  action: GO_HOME,
};

/** The answer to a form that another site sent. */
export const FOREIGN_FORM: AnsweredFailure = {
  status: 403,
  title: "This request came from another site",
  text: "For your safety, the portal did nothing. If you sent the request yourself, send it again from the portal.",
  action: GO_HOME,
};

const UNKNOWN_FAILURE: AnsweredFailure = {
  status: 500,
  title: "Something went wrong",
  text: "The portal made a mistake, not you. Trying again may help.",
  action: GO_HOME,
};

const PERMISSION_MISSING: AnsweredFailure = {
  status: 403,
  title: "You do not have permission to see this",
  text: "Your Talkdesk user needs another permission for this page. An administrator of your account can grant it.",
  action: GO_HOME,
};

/** Longer waits are shown as an hour: nobody keeps a page open for that long, and services sometimes send nonsense. */
const MAX_RETRY_SECONDS = 3_600;

/**
 * Describes what was thrown, in the portal's own words.
 *
 * @param path The page that failed: where "Try again" and a new login lead.
 */
export function describeFailure(error: unknown, path: string): AnsweredFailure {
  if (error instanceof ApiFailure) return describeApiFailure(error, path);
  if (error instanceof LimitExceeded) return describeLimit(error, path);
  if (error instanceof SessionsFailure) return describeSessionsFailure(path);
  // The status and the wait are those of the packages' own error handler; the words are the portal's.
  const answer = errorAnswer(error, { wantsHtml: false });
  if (answer !== undefined) {
    if (answer.status === 401) return describeEndedSession(path);
    const retryAfterSeconds = Number(answer.headers.get("Retry-After"));
    switch (findTalkdeskError(error)?.code) {
      case "token_refused":
        return describeRefusedToken(path);
      case "store_unavailable":
        return describeSessionsFailure(path);
      case "lock_timeout":
        return describeInterruption(path, retryAfterSeconds);
      default:
        return answer.status === 503 ? describeBusy(path, retryAfterSeconds) : describeUnavailable(path);
    }
  }
  const { status } = Object(error) as { readonly status?: unknown };
  if (typeof status === "number" && status >= 400 && status < 500) return describeBadRequest(status);
  return UNKNOWN_FAILURE;
}

/** Describes a login that failed. A new login returns to the page for which the failed one began. */
export function describeLoginFailure(error: TalkdeskError, { restart }: LoginFailure): AnsweredFailure {
  const action =
    restart === undefined ? { name: "Sign in again", path: "/auth/login" } : signInAgain(restart.returnTo);
  switch (error.code) {
    case "authorization_denied":
      return {
        status: 403,
        title: "The sign-in was denied",
        text: "You declined it, or a rule of your account does not allow it. Nothing has been changed.",
        action,
      };
    case "state_mismatch":
      return {
        status: 400,
        title: "This sign-in cannot be completed",
        text: "It was started in another browser or too long ago, or this browser does not accept cookies.",
        action,
      };
    default:
      return {
        status: error.retryable || error.retryAt !== undefined ? 503 : 502,
        title: "The sign-in has failed",
        text: "Talkdesk did not confirm who you are. Nothing has been changed.",
        action,
      };
  }
}

/**
 * Describes a session that is over.
 *
 * @param path The page to return to after the login.
 */
export function describeEndedSession(path: string): AnsweredFailure {
  return {
    status: 401,
    title: "Your session has ended",
    text: "Sign in again to return to this page.",
    action: signInAgain(path),
    isEverywhere: true,
  };
}

function describeApiFailure({ status, retryAfterSeconds }: ApiFailure, path: string): AnsweredFailure {
  switch (status) {
    case 403:
      return PERMISSION_MISSING;
    case 404:
      return PAGE_NOT_FOUND;
    case 429:
    case 503:
      return describeBusy(path, retryAfterSeconds === undefined ? undefined : boundWait(retryAfterSeconds));
    default:
      return describeUnavailable(path);
  }
}

function describeRefusedToken(path: string): AnsweredFailure {
  // Talkdesk gives no reason when it refuses a token that it has just issued.
  return {
    status: 403,
    title: "Talkdesk has refused this request",
    text: "Your Talkdesk user may not have the permission for it. If you received the permission after you signed in, sign in again.",
    action: signInAgain(path),
  };
}

function describeBusy(path: string, retryAfterSeconds: number | undefined): AnsweredFailure {
  const wait = retryAfterSeconds ? `in ${formatDuration(retryAfterSeconds)}` : "in a moment";
  return {
    status: 503,
    title: "Talkdesk is busy",
    text: `Talkdesk has asked the portal to slow down. Please try again ${wait}.`,
    action: { name: "Try again", path },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function describeLimit({ what, retryAfterSeconds }: LimitExceeded, path: string): AnsweredFailure {
  return {
    status: 429,
    title: "Too many requests",
    text: `You have asked for too many ${what}. Please try again in ${formatDuration(retryAfterSeconds)}.`,
    action: { name: "Try again", path },
    retryAfterSeconds,
  };
}

function describeSessionsFailure(path: string): AnsweredFailure {
  return {
    status: 503,
    title: "The portal cannot read or save your session",
    text: "Its store may be full or out of reach. If you were signed in, you still are. Please try again later.",
    action: { name: "Try again", path },
  };
}

function describeInterruption(path: string, retryAfterSeconds: number): AnsweredFailure {
  return {
    status: 503,
    title: "Your session is being renewed",
    text: `The portal may have been interrupted while it renewed your session. You are still signed in. Please try again in ${formatDuration(retryAfterSeconds)}.`,
    action: { name: "Try again", path },
    retryAfterSeconds,
  };
}

function describeUnavailable(path: string): AnsweredFailure {
  return {
    status: 502,
    title: "Talkdesk is not responding",
    text: "The portal could not load the data for this page. No data has been lost. Trying again may help.",
    action: { name: "Try again", path },
  };
}

function describeBadRequest(status: number): AnsweredFailure {
  return {
    status,
    title: "The portal did not understand this request",
    text: "The address or the submitted form is invalid.",
    action: GO_HOME,
  };
}

function signInAgain(path: string): Failure["action"] {
  return { name: "Sign in again", path: `/auth/login?${new URLSearchParams({ returnTo: path })}` };
}

function boundWait(seconds: number): number {
  return Math.min(Math.max(1, seconds), MAX_RETRY_SECONDS);
}
