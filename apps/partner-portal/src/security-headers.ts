import type { RequestHandler } from "express";

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const yearInSeconds = 31_536_000;

/** Puts on every answer what keeps a browser from doing with the page what nobody meant. */
export function securityHeaders({ isHttps }: { readonly isHttps: boolean }): RequestHandler {
  const headers: Readonly<Record<string, string>> = {
    "Content-Security-Policy": policy,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    // Not no-referrer, with which a browser says no longer where a form was sent from.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    ...(isHttps && { "Strict-Transport-Security": `max-age=${yearInSeconds}` }),
  };
  return (_request, response, next) => {
    response.set(headers);
    next();
  };
}
