import type { RequestHandler } from "express";

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const YEAR_SECONDS = 31_536_000;

/**
 * Sets the security headers of every answer.
 *
 * @param isHttps True to add `Strict-Transport-Security`.
 */
export function setSecurityHeaders({ isHttps }: { readonly isHttps: boolean }): RequestHandler {
  const headers: Readonly<Record<string, string>> = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    // With no-referrer, browsers would send `Origin: null` with the portal's own forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    ...(isHttps && { "Strict-Transport-Security": `max-age=${YEAR_SECONDS}` }),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}
