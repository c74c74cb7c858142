import { STATUS_CODES } from "node:http";
import type { Response } from "express";

/** The content of problem details. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  /** The code of a `TalkdeskError`. */
  readonly code?: string;
}

/**
 * Answers with problem details. They have no `type`, so their title is the phrase of the status.
 * @see RFC 9457 §4.2.1
 */
export function sendProblem(response: Response, problem: Problem): void {
  challengeWith(response, problem.status);
  response
    .status(problem.status)
    .set({ "Cache-Control": "no-store", "Content-Type": "application/problem+json" })
    // As bytes: Express would add a charset to text, and this type has no such parameter.
    .send(Buffer.from(JSON.stringify({ title: STATUS_CODES[problem.status], ...problem })));
}

/**
 * Adds `WWW-Authenticate`, which every 401 must have.
 * @see RFC 9110 §11.6.1, RFC 6750 §3
 */
export function challengeWith(response: Response, status: number): void {
  if (status === 401) response.set("WWW-Authenticate", 'Bearer realm="Talkdesk"');
}
