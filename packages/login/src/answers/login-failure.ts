import { isTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";
import { type ErrorPage, errorPage } from "./error-page.js";
import { retryAfterSeconds } from "./retry-after.js";

/** Where a login that failed may begin again: parameters of `GET /login`, already checked. */
export interface LoginRestart {
  /** The path of the page to go to after the login. */
  readonly returnTo: string;
  /** The AppConnect installation that the login began with: `talkdesk_installation_id` of `GET /login`. */
  readonly installationId?: string;
}

/**
 * The headers of every answer of a login; give them to an answer of your own, too. The URL of a callback contains the
 * code, so no cache may store the answer, and the next page must not get the URL as its referrer.
 */
export const PRIVATE_HEADERS: Readonly<Record<"Cache-Control" | "Referrer-Policy", string>> = {
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
};

/**
 * The error that `handle` rejects with: a login, a callback or a logout failed.
 *
 * @example
 * const answer = await login.handle(visit).catch((failure: unknown) => {
 *   if (!(failure instanceof LoginFailure)) throw failure;
 *   console.error(failure.error);
 *   return failure.response();
 * });
 */
export class LoginFailure extends Error {
  /** Always `"LoginFailure"`. */
  override readonly name = "LoginFailure";
  /**
   * What went wrong. A `TalkdeskError` is about the login; any other error is a fault of the app, of its sessions or of
   * the function `client`.
   */
  readonly error: unknown;
  /** Where the login may begin again; undefined when that is not known. */
  readonly restart?: LoginRestart;
  /**
   * True when a logout has ended the app's own session and tokens, and not the user's session at Talkdesk (the option
   * `endTalkdeskSession`).
   */
  readonly isSignedOut: boolean;
  readonly #page: () => Response;

  /** @internal */
  constructor(
    error: unknown,
    { restart, isSignedOut }: { readonly restart: LoginRestart | undefined; readonly isSignedOut: boolean },
    page: () => Response,
  ) {
    super(`The ${isSignedOut ? "logout at Talkdesk" : "login"} failed; its error says why.`);
    this.error = error;
    this.isSignedOut = isSignedOut;
    if (restart !== undefined) this.restart = restart;
    this.#page = page;
  }

  /**
   * Makes the page for a person, with a link to a new login. Its status is 400 for a callback without a pending login in
   * this browser, 403 for a login that was denied, 404 for an unknown installation, 503 when a later attempt may
   * succeed, 502 or 400 for other errors of Talkdesk's, and 500 for an error of the app. When `isSignedOut` is true, the
   * page says so, leads to where the browser was going, and has the status 502.
   */
  response(): Response {
    return this.#page();
  }
}

/** The details that the page of a failure shows besides the failure. */
export interface FailurePlace {
  readonly contact: string;
  /** The address of `/login`, for a link. */
  readonly loginLink: string;
  readonly restart: LoginRestart | undefined;
}

/** Makes the page for a person whose login failed. */
export function failurePage(error: unknown, { contact, loginLink, restart }: FailurePlace): Response {
  const content = isTalkdeskError(error) ? contentFor(error) : contentForFault(error);
  const page = errorPage({
    ...content,
    text: [...content.text, ...(isTalkdeskError(error) ? detailsOf(error) : [])],
    link: { name: "Sign in again", address: addressOf(loginLink, restart) },
    contact,
  });
  const waitSeconds = isTalkdeskError(error) ? retryAfterSeconds(error) : undefined;
  if (content.status === 503 && waitSeconds !== undefined) {
    page.headers.set("Retry-After", String(waitSeconds));
  }
  return page;
}

/**
 * Makes the page for a person who is signed out of the app, and not of Talkdesk.
 *
 * @param next The path where the browser was going.
 */
export function signedOutPage(
  error: unknown,
  { contact, next }: { readonly contact: string; readonly next: string },
): Response {
  return errorPage({
    status: 502,
    title: "You are signed out of this app, but not of Talkdesk",
    text: [
      "The next person who uses this browser may be able to sign in as you without a password. Sign out at Talkdesk, too.",
      ...(isTalkdeskError(error) ? detailsOf(error) : []),
    ],
    link: { name: "Continue", address: next },
    contact,
  });
}

function contentFor(error: TalkdeskError): ErrorPage {
  switch (error.code) {
    case "state_mismatch":
      return {
        status: 400,
        title: "This sign-in cannot be completed",
        text: [
          "It was begun in another browser or too long ago, it was completed before, or this browser does not keep cookies.",
        ],
      };
    case "authorization_denied":
      return {
        status: 403,
        title: "The sign-in was denied",
        text: ["You, or a rule of your account, did not allow it."],
      };
    case "nonce_mismatch":
      return unconfirmed(400);
    case "authorization_failed":
      if (error.error === "temporarily_unavailable") return BUSY;
      return unconfirmed(error.error === "server_error" ? 502 : 400);
    case "installation_unknown":
      return {
        status: 404,
        title: "Unknown installation",
        text: ["This app does not know the Talkdesk installation that you came from."],
      };
    default:
      return error.retryable || retryAfterSeconds(error) !== undefined ? BUSY : unconfirmed(502);
  }
}

const unconfirmed = (status: number): ErrorPage => ({
  status,
  title: "The sign-in has failed",
  text: ["Talkdesk did not confirm who you are. Nothing was changed."],
});

const BUSY: ErrorPage = {
  status: 503,
  title: "Signing in is not possible at the moment",
  text: ["A service that the sign-in needs does not answer. Try again in a few minutes."],
};

/** The content for an error of the app itself. A store of sessions that hangs has `status` 503. */
function contentForFault(error: unknown): ErrorPage {
  if ((Object(error) as { status?: unknown }).status === 503) return BUSY;
  return {
    status: 500,
    title: "The sign-in has failed",
    text: ["Something went wrong in this app. Trying again may help."],
  };
}

/** Details for the support contact: the code, and the error that Talkdesk sent. */
function detailsOf({ code, error, errorDescription }: TalkdeskError): readonly string[] {
  const said = [error, errorDescription].filter((text) => text !== undefined && text !== "");
  return [`Code: ${code}`, ...(said.length > 0 ? [`Talkdesk said: ${said.join(": ")}`] : [])];
}

/** Begins the login again, to the same page. */
function addressOf(login: string, restart: LoginRestart | undefined): string {
  if (restart === undefined) return login;
  const { returnTo, installationId } = restart;
  return `${login}?${new URLSearchParams({
    returnTo,
    ...(installationId !== undefined && { talkdesk_installation_id: installationId }),
  })}`;
}
