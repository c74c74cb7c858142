import { STATUS_CODES } from "node:http";
import type { Response } from "express";

/** What a program reads when something has failed. */
export interface Problem {
  readonly status: number;
  readonly detail: string;
  /** The code of a `TalkdeskError`. */
  readonly code?: string;
}

/**
 * Answers with problem details. They have no type of their own, so their title is that of the status.
 * @see RFC 9457 §4.2.1
 */
export function sendProblem(response: Response, problem: Problem): void {
  challengeWith(response, problem.status);
  response
    .status(problem.status)
    .set({ "Cache-Control": "no-store", "Content-Type": "application/problem+json" })
    // As bytes: Express adds a charset to text, which this type has not.
    .send(Buffer.from(JSON.stringify({ title: STATUS_CODES[problem.status], ...problem })));
}

/**
 * Says what a 401 has to: by which scheme one would be let in.
 * @see RFC 9110 §11.6.1, RFC 6750 §3
 */
export function challengeWith(response: Response, status: number): void {
  if (status === 401) response.set("WWW-Authenticate", 'Bearer realm="Talkdesk"');
}
