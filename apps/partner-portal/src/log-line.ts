import { isTalkdeskError } from "@talkdesk-oauth/core";
import { ApiFailure } from "./api-call.js";

/**
 * One line about an error. What is not ours may quote anything in its message, so that is left out; and a TypeError may
 * quote what a stranger has sent, so what a terminal would obey is percent-encoded.
 */
export function logLine(error: unknown): string {
  return lineOf(error).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, encodeURIComponent);
}

function lineOf(error: unknown): string {
  if (isTalkdeskError(error)) return [`${error.code}: ${error.message}`, ...error.hints].join(" ");
  if (error instanceof ApiFailure || error instanceof TypeError) return error.message;
  const { name = "Error", code, stack = "" } = Object(error) as NodeJS.ErrnoException;
  const place = /\n\s+(at .*)/.exec(stack)?.[1] ?? "";
  return [name, code, place].filter(Boolean).join(" ");
}
