import { isTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";
import { ApiFailure } from "./api-call.js";
import type { Failure } from "./pages/failure-page.js";

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
  if (isTalkdeskError(error)) {
    if (endedCodes.includes(error.code)) return sessionEnded(path);
    const retryAfterSeconds =
      error.retryAt === undefined ? undefined : Math.max(1, Math.ceil((error.retryAt - now) / 1_000));
    return retryAfterSeconds !== undefined || busyCodes.includes(error.code)
      ? busy(path, retryAfterSeconds)
      : unavailable(path);
  }
  const { status } = Object(error) as { readonly status?: unknown };
  if (typeof status === "number" && status >= 400 && status < 500) return notUnderstood(status);
  return {
    status: 500,
    title: "Something went wrong here",
    text: "It is the portal's fault, not yours. Trying again may help.",
    action: { name: "Go to the start", path: "/" },
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
        text: "You, or a rule of your account, did not allow it. Nothing was changed.",
        action,
      };
    case "state_mismatch":
      return {
        status: 400,
        title: "This sign-in cannot be completed",
        text: "It was begun in another browser or too long ago, or this browser keeps no cookies.",
        action,
      };
    default:
      return {
        status: error.retryable || error.retryAt !== undefined ? 503 : 502,
        title: "The sign-in has failed",
        text: "Talkdesk did not confirm who you are. Nothing was changed.",
        action,
      };
  }
}

/** What to answer to an address that leads nowhere. */
export const nothingHere: AnsweredFailure = {
  status: 404,
  title: "There is nothing here",
  text: "The address may be mistyped, or what was here is gone.",
  action: { name: "Go to the start", path: "/" },
};

/** What to answer to a form that another site has sent. */
export const foreignForm: AnsweredFailure = {
  status: 403,
  title: "That came from another site",
  text: "For your safety nothing was done. If it was you, do it again from here.",
  action: { name: "Go to the start", path: "/" },
};

const endedCodes: readonly string[] = [
  "reauthentication_required",
  "refresh_outcome_unknown",
  "source_closed",
];
const busyCodes: readonly string[] = ["token_unavailable", "store_unavailable", "lock_timeout"];

function failureOfApi({ status, retryAfterSeconds }: ApiFailure, path: string): AnsweredFailure {
  switch (status) {
    case 401:
      return sessionEnded(path);
    case 403:
      return {
        status: 403,
        title: "You may not see this",
        text: "Your account at Talkdesk lacks the permission. An administrator there can give it to you.",
        action: { name: "Go to the start", path: "/" },
      };
    case 404:
      return nothingHere;
    case 429:
    case 503:
      return busy(path, retryAfterSeconds);
    default:
      return unavailable(path);
  }
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
    text: "Talkdesk no longer lets the portal act for you. Sign in again, and you are back where you were.",
    action: { name: "Sign in again", path: `/auth/login?${new URLSearchParams({ returnTo: path })}` },
  };
}

function busy(path: string, retryAfterSeconds: number | undefined): AnsweredFailure {
  const wait = retryAfterSeconds === undefined ? "in a moment" : `in ${retryAfterSeconds} s`;
  return {
    status: 503,
    title: "Talkdesk is busy",
    text: `It asks for some patience. Try again ${wait}.`,
    action: { name: "Try again", path },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  };
}

function unavailable(path: string): AnsweredFailure {
  return {
    status: 502,
    title: "Talkdesk does not answer",
    text: "The portal could not get from Talkdesk what this page needs. Nothing of yours is lost.",
    action: { name: "Try again", path },
  };
}

function notUnderstood(status: number): AnsweredFailure {
  return {
    status,
    title: "That was not understood",
    text: "Something is wrong with the address or with what was sent.",
    action: { name: "Go to the start", path: "/" },
  };
}
