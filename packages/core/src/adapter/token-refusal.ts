import { causesOf } from "../base/causes.js";
import { readHeader } from "../base/header-value.js";

/**
 * True for an answer that refuses the token of its request: 401, unless `WWW-Authenticate` says `insufficient_scope`.
 * 403 is not a refusal of the token: it limits what a valid token may do. Talkdesk's own error codes do not count, since
 * they differ between services.
 *
 * @param wwwAuthenticate The header's value; null or undefined where there is none.
 * @example
 * const isRefused = isTokenRefusal(response.status, response.headers.get("www-authenticate"));
 * @see RFC 6750 §3.1
 */
export function isTokenRefusal(status: number, wwwAuthenticate: string | null | undefined): boolean {
  return status === 401 && !(wwwAuthenticate && saysInsufficientScope(wwwAuthenticate));
}

function saysInsufficientScope(challenge: string): boolean {
  // Empties the other quoted values, such as a description, which may contain the same words.
  const parameters = challenge.replace(/"(?:[^"\\]|\\.)*"/g, (value) =>
    /^"insufficient_scope\b/i.test(value) ? value : '""',
  );
  return /(?:^|[\s,])error\s*=\s*"?insufficient_scope\b/i.test(parameters);
}

/**
 * True for an error that stands for an answer which refuses the token ({@link isTokenRefusal}). Some clients, and layers
 * beneath an adapter, throw for a status. Reads the error, its `response`, and its causes.
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
