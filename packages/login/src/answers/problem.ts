/** The content of problem details. */
export interface Problem {
  readonly status: 401 | 502 | 503;
  readonly detail: string;
  /** The code of a `TalkdeskError`. */
  readonly code?: string;
}

/** Problem details without a `type` have the phrase of their status as the title. RFC 9457 §4.2.1 */
const TITLES: Readonly<Record<Problem["status"], string>> = {
  401: "Unauthorized",
  502: "Bad Gateway",
  503: "Service Unavailable",
};

/**
 * Makes an answer with problem details.
 * @see RFC 9457
 */
export function problemAnswer(problem: Problem): Response {
  return new Response(JSON.stringify({ title: TITLES[problem.status], ...problem }), {
    status: problem.status,
    headers: {
      ...challengeOf(problem.status),
      "Cache-Control": "no-store",
      "Content-Type": "application/problem+json",
    },
  });
}

/**
 * The header `WWW-Authenticate`, which every 401 must have.
 * @see RFC 9110 §11.6.1, RFC 6750 §3
 */
export function challengeOf(status: number): { readonly "WWW-Authenticate"?: string } {
  return status === 401 ? { "WWW-Authenticate": 'Bearer realm="Talkdesk"' } : {};
}
