import { isTalkdeskError, type TalkdeskError } from "@talkdesk-oauth/core";
import type { NextFunction, Request, Response } from "express";
import { errorOf } from "./error-of.js";
import { type ErrorPage, sendErrorPage } from "./error-page.js";
import type { LoginSetup } from "./login-setup.js";
import { retryAfterSeconds } from "./retry-after.js";

/** Where a login that failed may begin again. */
export interface Restart {
  readonly returnTo: string;
  readonly installationId?: string | undefined;
}

/** Answers a login that has failed: a `TalkdeskError` with a page, any other error through `next`. */
export async function answerLoginFailure(
  { onError, contact, loginLink }: LoginSetup,
  thrown: unknown,
  restart: Restart | undefined,
  { request, response, next }: { request: Request; response: Response; next: NextFunction },
): Promise<void> {
  if (!isTalkdeskError(thrown) || response.headersSent) {
    next(errorOf(thrown));
    return;
  }
  if (onError !== undefined) {
    await onError(thrown, request, response, next);
    return;
  }
  const page = pageOf(thrown);
  const waitSeconds = retryAfterSeconds(thrown);
  if (page.status === 503 && waitSeconds !== undefined) response.set("Retry-After", String(waitSeconds));
  sendErrorPage(response, {
    ...page,
    text: [...page.text, ...saidBy(thrown)],
    link: { name: "Sign in again", address: addressOf(loginLink(request), restart) },
    contact,
  });
}

function pageOf(error: TalkdeskError): ErrorPage {
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
      return failed(400);
    case "authorization_failed":
      if (error.error === "temporarily_unavailable") return busy;
      return failed(error.error === "server_error" ? 502 : 400);
    case "installation_unknown":
      return {
        status: 404,
        title: "Unknown installation",
        text: ["This app does not know the Talkdesk installation that you came from."],
      };
    default:
      return error.retryable || retryAfterSeconds(error) !== undefined ? busy : failed(502);
  }
}

const failed = (status: number): ErrorPage => ({
  status,
  title: "The sign-in has failed",
  text: ["Talkdesk did not confirm who you are. Nothing was changed."],
});

const busy: ErrorPage = {
  status: 503,
  title: "Signing in is not possible at the moment",
  text: ["A service that the sign-in needs does not answer. Try again in a few minutes."],
};

/** Details for the person who is asked for help: the code, and what Talkdesk said. */
function saidBy({ code, error, errorDescription }: TalkdeskError): readonly string[] {
  const said = [error, errorDescription].filter((text) => text !== undefined && text !== "");
  return [`Code: ${code}`, ...(said.length > 0 ? [`Talkdesk said: ${said.join(": ")}`] : [])];
}

/** Begins the login again, to the same page. */
function addressOf(login: string, restart: Restart | undefined): string {
  if (restart === undefined) return login;
  const { returnTo, installationId } = restart;
  return `${login}?${new URLSearchParams({
    returnTo,
    ...(installationId !== undefined && { talkdesk_installation_id: installationId }),
  })}`;
}
