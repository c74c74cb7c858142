import { causesOf } from "../base/causes.js";
import { readHeader } from "../base/header-value.js";

/**
 * Whether an answer says that the token it was asked with is not, or no longer, good: 401, unless `WWW-Authenticate`
 * says `insufficient_scope`. Talkdesk's own error codes differ by service, so they are not looked at; 403 is about
 * what a good token may do.
 * @see RFC 6750 §3.1
 */
export function isTokenRefusal(status: number, wwwAuthenticate: string | null | undefined): boolean {
  return status === 401 && !(wwwAuthenticate && saysInsufficientScope(wwwAuthenticate));
}

function saysInsufficientScope(challenge: string): boolean {
  // What stands in another value, such as a description, is no parameter.
  const parameters = challenge.replace(/"(?:[^"\\]|\\.)*"/g, (value) =>
    /^"insufficient_scope\b/i.test(value) ? value : '""',
  );
  return /(?:^|[\s,])error\s*=\s*"?insufficient_scope\b/i.test(parameters);
}

/**
 * True when an error stands for a 401 that {@link isTokenRefusal} takes for a refusal: some clients, and layers beneath
 * an adapter, throw for a status. Looks at the error, its `response`, and its causes.
 *
 * @example
 * if (isRefusalError(error)) return new Response(null, { status: 401 });
 */
export function isRefusalError(error: unknown): boolean {
  for (const cause of causesOf(error)) {
    const { response = cause } = cause as { response?: object | null };
    const { status, statusCode = status, headers } = Object(response) as ThrownAnswer;
    if (typeof statusCode === "number") {
      return isTokenRefusal(statusCode, readHeader(headers, "www-authenticate"));
    }
  }
  return false;
}

interface ThrownAnswer {
  readonly status?: unknown;
  readonly statusCode?: unknown;
  readonly headers?: unknown;
}
