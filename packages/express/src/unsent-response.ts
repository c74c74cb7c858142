import type { Response } from "express";

/** @throws Error when the headers were sent already, so that no cookie can be set. */
export function checkUnsent(response: Response): void {
  if (!response.headersSent) return;
  throw new Error(
    "The response was started before the login could answer, so the login cannot set a cookie. Look for middleware that sends headers early, or that answers slow requests itself.",
  );
}
