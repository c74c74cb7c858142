import type { CannedAnswer } from "./fault.js";

/**
 * Makes the answers that tests need most, for the `respond` effect of a fault.
 *
 * @example
 * talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(2) });
 */
export const answers: {
  /** Any JSON. Default status: 200. */
  json(body: unknown, status?: number, headers?: Readonly<Record<string, string>>): CannedAnswer;
  /** An error of the token endpoint (RFC 6749 §5.2). Default status: 400. */
  oauthError(error: string, status?: number, description?: string): CannedAnswer;
  /** An error of a gateway. `code` is a string of seven digits. */
  apiError(status: number, code: string, message: string): CannedAnswer;
  /** An HTML page, as a proxy or a captive portal sends. Default status: 502. */
  html(status?: number): CannedAnswer;
  /** 429, with `Retry-After` when given: a number of seconds or an HTTP date. */
  tooManyRequests(retryAfter?: number | string): CannedAnswer;
  /** 503, with `Retry-After` when given: a number of seconds or an HTTP date. */
  unavailable(retryAfter?: number | string): CannedAnswer;
  /** 200, with JSON that ends too early. */
  malformedJson(): CannedAnswer;
  /** A status without a body. */
  empty(status: number): CannedAnswer;
  /** A redirect. Default status: 302. */
  redirect(location: string, status?: number): CannedAnswer;
} = Object.freeze({
  json: makeJson,
  oauthError: (error: string, status = 400, description = "Scripted by the emulator.") =>
    makeJson({ error, error_description: description }, status),
  apiError: (status: number, code: string, message: string) => makeJson({ code, message }, status),
  html: (status = 502) => ({
    status,
    headers: { "content-type": "text/html" },
    body: `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`,
  }),
  tooManyRequests: (retryAfter?: number | string) =>
    makeJson({ code: "0020017", message: "Too many requests" }, 429, makeRetryAfter(retryAfter)),
  unavailable: (retryAfter?: number | string) => ({ status: 503, headers: makeRetryAfter(retryAfter) }),
  malformedJson: () => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"access_token":"',
  }),
  empty: (status: number) => ({ status }),
  redirect: (location: string, status = 302) => ({ status, headers: { location } }),
});

function makeJson(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): CannedAnswer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

function makeRetryAfter(value: number | string | undefined): Record<string, string> {
  return value === undefined ? {} : { "retry-after": String(value) };
}
