import { isTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";
import { ApiFailure } from "./api-call.js";
import { durationText } from "./pages/duration-text.js";
import type { Failure } from "./pages/failure-page.js";
import { TooMuch } from "./session-limits.js";

/** A failure as the portal answers it. */
export interface AnsweredFailure extends Failure {
  readonly status: number;
  readonly retryAfterSeconds?: number;
}

/**
 * What to answer when something was thrown: in the portal's own words, whatever Talkdesk said.
 *
 * @param path Where the person wanted to go.
 * @param now Epoch milliseconds.
 */
export function failureOf(error: unknown, path: string, now: number): AnsweredFailure {
  if (error instanceof ApiFailure) return failureOfApi(error, path);
  if (error instanceof TooMuch) return tooMuch(error, path);
  if (isTalkdeskError(error)) {
    if (endedCodes.includes(error.code)) return sessionEnded(path);
    if (error.code === "token_refused") return refused(path);
    const retryAfterSeconds =
      error.retryAt === undefined ? undefined : bounded(Math.ceil((error.retryAt - now) / 1_000));
    return retryAfterSeconds !== undefined || busyCodes.includes(error.code)
      ? busy(path, retryAfterSeconds)
      : unavailable(path);
  }
  const { status } = Object(error) as { readonly status?: unknown };
  if (typeof status === "number" && status >= 400 && status < 500) return notUnderstood(status);
  return {
    status: 500,
    title: "Something went wrong",
    text: "It is the portal's fault, not yours. Trying again may help.",
    action: { name: "Go to the home page", path: "/" },
  };
}

/** What to answer when a login came to nothing. */
export function failureOfLogin(error: TalkdeskError): AnsweredFailure {
  const action = { name: "Sign in again", path: "/auth/login" };
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

/** What to answer to an address that leads nowhere. */
export const nothingHere: AnsweredFailure = {
  status: 404,
  title: "Page not found",
  text: "The address may be mistyped, or the page no longer exists.",
  action: { name: "Go to the home page", path: "/" },
};

/** What to answer to a form that another site has sent. */
export const foreignForm: AnsweredFailure = {
  status: 403,
  title: "This request came from another site",
  text: "For your safety, nothing was done. If it was you, please do it again from here.",
  action: { name: "Go to the home page", path: "/" },
};

const endedCodes: readonly string[] = [
  "reauthentication_required",
  "refresh_outcome_unknown",
  "source_closed",
];
const busyCodes: readonly string[] = ["token_unavailable", "store_unavailable", "lock_timeout"];

function failureOfApi({ status, retryAfterSeconds }: ApiFailure, path: string): AnsweredFailure {
  switch (status) {
    case 403:
      return {
        status: 403,
        title: "You may not see this",
        text: "Your Talkdesk account does not have the permission it takes. An administrator of the account can grant it.",
        action: { name: "Go to the home page", path: "/" },
      };
    case 404:
      return nothingHere;
    case 429:
    case 503:
      return busy(path, retryAfterSeconds === undefined ? undefined : bounded(retryAfterSeconds));
    default:
      return unavailable(path);
  }
}

/** Between a second and an hour: nobody waits for longer, and services sometimes say nonsense. */
const bounded = (seconds: number): number => Math.min(Math.max(1, seconds), 3_600);

/** What to answer when Talkdesk refuses a token that it has just issued: for a reason of its own, which it does not tell. */
function refused(path: string): AnsweredFailure {
  return {
    status: 403,
    title: "Talkdesk has refused this",
    text: "Your account may not have the permission it takes. If it has been given to you since, sign in again.",
    action: signInAgain(path),
  };
}

/**
 * What to answer when the person has to sign in again.
 *
 * @param path Where to come back to.
 */
export function sessionEnded(path: string): AnsweredFailure {
  return {
    status: 401,
    title: "Your session has ended",
    text: "Sign in again, and you will be back where you were.",
    action: signInAgain(path),
    isEverywhere: true,
  };
}

function signInAgain(path: string): Failure["action"] {
  return { name: "Sign in again", path: `/auth/login?${new URLSearchParams({ returnTo: path })}` };
}

function busy(path: string, retryAfterSeconds: number | undefined): AnsweredFailure {
  const wait = retryAfterSeconds ? `in ${durationText(retryAfterSeconds)}` : "in a moment";
  return {
    status: 503,
    title: "Talkdesk is busy",
    text: `It has asked the portal to slow down. Please try again ${wait}.`,
    action: { name: "Try again", path },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

/** What to answer when one session asks for more than it may have. */
function tooMuch({ what, retryAfterSeconds }: TooMuch, path: string): AnsweredFailure {
  return {
    status: 429,
    title: "That is too much at once",
    text: `You have asked for too many ${what}. Please try again in ${durationText(retryAfterSeconds)}.`,
    action: { name: "Try again", path },
    retryAfterSeconds,
  };
}

function unavailable(path: string): AnsweredFailure {
  return {
    status: 502,
    title: "Talkdesk is not responding",
    text: "The portal could not get what this page needs. Nothing has been lost, and trying again may help.",
    action: { name: "Try again", path },
  };
}

function notUnderstood(status: number): AnsweredFailure {
  return {
    status,
    title: "That did not work",
    text: "The address, or what was sent, is not one that the portal understands.",
    action: { name: "Go to the home page", path: "/" },
  };
}
