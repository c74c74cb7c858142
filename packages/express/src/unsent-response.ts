import type { Response } from "express";

/** @throws Error when the headers have gone out, and no cookie can go with them. */
export function checkUnsent(response: Response): void {
  if (!response.headersSent) return;
  throw new Error(
    "The response has begun before the login could answer: it can set no cookie any more. Look for middleware that sends headers early, or answers for a request that takes long.",
  );
}
