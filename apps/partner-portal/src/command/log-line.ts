import { findTalkdeskError } from "@talkdesk-oauth/core";
import { ApiFailure } from "../api/api-call.js";
import { SessionsFailure } from "../sessions/stored-sessions.js";

/**
 * Describes an error in one line for the log. The messages of foreign errors may quote secrets and are left out. A
 * TypeError may quote what a stranger sent, so characters that control a terminal are percent-encoded.
 */
export function formatLogLine(error: unknown): string {
  return describeError(error).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, encodeURIComponent);
}

function describeError(error: unknown): string {
  const fault = findTalkdeskError(error);
  if (fault !== undefined)
    return [`${fault.code}: ${fault.message}`, ...fault.hints, ...causeOf(fault)].join(" ");
  if (error instanceof ApiFailure || error instanceof SessionsFailure || error instanceof TypeError) {
    return error.message;
  }
  const { name = "Error", code, stack = "" } = Object(error) as NodeJS.ErrnoException;
  const place = /\n\s+(at .*)/.exec(stack)?.[1] ?? "";
  return [name, code, place].filter(Boolean).join(" ");
}

/** The code of what caused an error, such as `SQLITE_FULL`, as a list of one or none. */
function causeOf({ cause }: Error): readonly string[] {
  const { code } = Object(cause) as NodeJS.ErrnoException;
  return typeof code === "string" ? [`(${code})`] : [];
}
