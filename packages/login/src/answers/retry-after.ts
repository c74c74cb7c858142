import type { TalkdeskError, TalkdeskErrorCode } from "@talkdesk-oauth/core";

/** Failures that pass by themselves. */
const PASSING: ReadonlySet<TalkdeskErrorCode> = new Set<TalkdeskErrorCode>([
  "token_unavailable",
  "store_unavailable",
  "lock_timeout",
]);

/** Long enough for a lock or a gate to open. */
const DEFAULT_SECONDS = 5;

/** An hour. Longer times, which may be a fault of the service, are reduced to it. */
const MAX_SECONDS = 3_600;

/** How long to wait before trying again, from 1 to 3,600 s; undefined for a failure that does not pass by itself. */
export function retryAfterSeconds({ code, retryAt }: TalkdeskError): number | undefined {
  if (retryAt === undefined && !PASSING.has(code)) return undefined;
  const seconds = retryAt === undefined ? Number.NaN : Math.ceil((retryAt - Date.now()) / 1000);
  return Number.isNaN(seconds) ? DEFAULT_SECONDS : Math.min(Math.max(1, seconds), MAX_SECONDS);
}
