import type { Response } from "express";

/** @throws Error when the headers were sent already, so that no cookie can be set. */
export function checkUnsent(response: Response): void {
  if (!response.headersSent) return;
  throw new Error(
    "The response has begun before the login could answer, so the login can set no cookie. Look for middleware that sends headers early, or that answers slow requests itself.",
  );
}
