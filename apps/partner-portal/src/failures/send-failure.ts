import { findTalkdeskError } from "@talkdesk-oauth/core";
import type { ErrorRequestHandler, Request, Response } from "express";
import { renderFailurePage } from "../pages/failure-page.js";
import { viewerOf } from "../pages/viewer.js";
import { sendPage } from "../web/send-page.js";
import { type AnsweredFailure, describeFailure } from "./describe-failure.js";
import { findReason } from "./find-reason.js";
import { returnPath } from "./return-path.js";

/** Answers a request with the page of a failure. */
export type SendFailure = (request: Request, response: Response, failure: AnsweredFailure) => void;

/**
 * Makes a {@link SendFailure}.
 *
 * @param contact The contact to show: an e-mail address or an https address.
 */
export function failureSender(contact: string): SendFailure {
  return (request, response, failure) => {
    const { status, retryAfterSeconds } = failure;
    if (retryAfterSeconds !== undefined) response.set("Retry-After", String(retryAfterSeconds));
    const viewer = status === 401 ? undefined : viewerOf(request);
    sendPage(response, renderFailurePage(failure, contact, viewer), status);
  };
}

/**
 * Makes the portal's error handler: people get a page, programs are left to the next handler.
 *
 * @param onFailure Called with each error and, where the API refused a token, with the reason for that.
 */
export function answerFailures(
  sendFailure: SendFailure,
  onFailure: (error: unknown) => void,
): ErrorRequestHandler {
  return async (thrown, request, response, next) => {
    const hasClientLeft = response.closed && !response.writableEnded;
    if (hasClientLeft) return;
    const error = await findReason(thrown, request.talkdesk);
    onFailure(error);
    // The session could not be saved after the page was made: the page still goes out.
    if (response.writableEnded) return;
    // The script that follows a report is a program and gets problem details.
    const isForProgram = findTalkdeskError(error) !== undefined && !request.accepts("html");
    if (response.headersSent || isForProgram) next(error);
    else sendFailure(request, response, describeFailure(error, returnPath(request)));
  };
}
