import type { CannedAnswer } from "./fault.js";

/** Makes the canned answers that tests want most, for the `respond` effect of a fault. */
export const answers: {
  /** Any JSON, with the status 200 unless said otherwise. */
  json(body: unknown, status?: number, headers?: Readonly<Record<string, string>>): CannedAnswer;
  /** The token endpoint's error body, with the status 400 unless said otherwise. */
  oauthError(error: string, status?: number, description?: string): CannedAnswer;
  /** The gateways' error body. `code` is a string of seven digits. */
  apiError(status: number, code: string, message: string): CannedAnswer;
  /** An HTML page, as a proxy or a captive portal shows. Status 502 unless said otherwise. */
  html(status?: number): CannedAnswer;
  /** 429, with `Retry-After` when given: seconds, or an HTTP date. */
  tooManyRequests(retryAfter?: number | string): CannedAnswer;
  /** 503, with `Retry-After` when given: seconds, or an HTTP date. */
  unavailable(retryAfter?: number | string): CannedAnswer;
  /** 200 with JSON that ends too early. */
  malformedJson(): CannedAnswer;
  /** A status without a body. */
  empty(status: number): CannedAnswer;
  /** A redirect, with the status 302 unless said otherwise. */
  redirect(location: string, status?: number): CannedAnswer;
} = Object.freeze({
  json,
  oauthError: (error: string, status = 400, description = "Scripted by the emulator.") =>
    json({ error, error_description: description }, status),
  apiError: (status: number, code: string, message: string) => json({ code, message }, status),
  html: (status = 502) => ({
    status,
    headers: { "content-type": "text/html" },
    body: `<html><head><title>${status}</title></head><body><h1>${status}</h1></body></html>`,
  }),
  tooManyRequests: (retryAfter?: number | string) =>
    json({ code: "0020017", message: "Too many requests" }, 429, retryAfterHeader(retryAfter)),
  unavailable: (retryAfter?: number | string) => ({ status: 503, headers: retryAfterHeader(retryAfter) }),
  malformedJson: () => ({
    status: 200,
    headers: { "content-type": "application/json" },
    body: '{"access_token":"',
  }),
  empty: (status: number) => ({ status }),
  redirect: (location: string, status = 302) => ({ status, headers: { location } }),
});

function json(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): CannedAnswer {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) };
}

function retryAfterHeader(value: number | string | undefined): Record<string, string> {
  return value === undefined ? {} : { "retry-after": String(value) };
}
