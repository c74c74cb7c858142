import type { Response } from "express";

/** What a program reads when something has failed. */
export interface Problem {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  /** The code of a `TalkdeskError`. */
  readonly code?: string;
}

/**
 * Answers with problem details.
 * @see RFC 9457
 */
export function sendProblem(response: Response, problem: Problem): void {
  if (problem.status === 401) challenge(response);
  response
    .status(problem.status)
    .set({ "Cache-Control": "no-store", "Content-Type": "application/problem+json" })
    // As bytes: Express adds a charset to text, which this type has not.
    .send(Buffer.from(JSON.stringify(problem)));
}

/**
 * Says what a 401 has to: by which scheme one would be let in.
 * @see RFC 9110 §11.6.1, RFC 6750 §3
 */
export function challenge(response: Response): void {
  response.set("WWW-Authenticate", 'Bearer realm="Talkdesk"');
}
