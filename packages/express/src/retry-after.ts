import type { TalkdeskError, TalkdeskErrorCode } from "@talkdesk-oauth/core";

/** Failures that pass by themselves. */
const PASSING: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "token_unavailable",
  "store_unavailable",
  "lock_timeout",
]);

/** Long enough for a lock or a gate to open. */
const DEFAULT_SECONDS = 5;

/** How long to wait before trying again; undefined for a failure that waiting does not mend. */
export function retryAfterSeconds({ code, retryAt }: TalkdeskError): number | undefined {
  if (retryAt !== undefined) return Math.max(1, Math.ceil((retryAt - Date.now()) / 1000));
  return PASSING.has(code) ? DEFAULT_SECONDS : undefined;
}
