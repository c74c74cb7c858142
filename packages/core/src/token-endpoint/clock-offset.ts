import type { TalkdeskClient } from "../client/client.js";

/** The largest difference between two clocks that is ignored. */
const TOLERANCE_MS = 30_000;

/** A `Date` that is further off than a year comes from a broken server, not from a wrong clock here. */
const CREDIBLE_MS = 366 * 86_400_000;

/**
 * Measures how far the server's clock is ahead of this one (negative: behind), in milliseconds. Undefined when the
 * answer has no credible `Date`, or the clocks agree within 30 s.
 *
 * @param sentAt Just before the request, in epoch milliseconds. The server wrote its `Date` between `sentAt` and `now`.
 * @param now Just after the answer, by the same clock.
 * @internal
 */
export function measureOffsetMs(headers: Headers, sentAt: number, now: number): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  const offsetMs = date < sentAt ? date - sentAt : Math.max(0, date - now);
  const distanceMs = Math.abs(offsetMs);
  return distanceMs > TOLERANCE_MS && distanceMs < CREDIBLE_MS ? offsetMs : undefined;
}

/** Kept with the client, which may be frozen, and for no longer. */
const learntOffsets = new WeakMap<TalkdeskClient, number>();

/**
 * Returns how far the clock of a client's token endpoint is known to be ahead, in milliseconds; 0 when nothing is known.
 * @internal
 */
export const recallOffsetMs = (client: TalkdeskClient): number => learntOffsets.get(client) ?? 0;

/**
 * Remembers how far the clock of a client's token endpoint is ahead.
 * @internal
 */
export const learnOffset = (client: TalkdeskClient, offsetMs: number): void =>
  void learntOffsets.set(client, offsetMs);
