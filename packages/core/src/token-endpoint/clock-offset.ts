import type { TalkdeskClient } from "../client/client.js";

/** How far two clocks may differ before it matters. */
const TOLERANCE_MS = 30_000;

/** A date that is further off comes from a server that is broken, not from a clock that is off. */
const CREDIBLE_MS = 366 * 86_400_000;

/**
 * How far the clock of a server is ahead of this one (negative: behind), in milliseconds; undefined when its answer
 * does not say, says what cannot be, or is near enough.
 *
 * @param sentAt Just before the request, and `now` just after the answer: by the same clock, in epoch milliseconds.
 *   The server wrote its `Date` somewhere between.
 * @internal
 */
export function measureOffsetMs(headers: Headers, sentAt: number, now: number): number | undefined {
  const date = Date.parse(headers.get("date") ?? "");
  const offsetMs = date < sentAt ? date - sentAt : Math.max(0, date - now);
  const distanceMs = Math.abs(offsetMs);
  return distanceMs > TOLERANCE_MS && distanceMs < CREDIBLE_MS ? offsetMs : undefined;
}

const learntOffsets = new WeakMap<TalkdeskClient, number>();

/**
 * What is known of how far the clock of a client's token endpoint is ahead, in milliseconds.
 * @internal
 */
export const recallOffsetMs = (client: TalkdeskClient): number => learntOffsets.get(client) ?? 0;

/** @internal */
export const learnOffset = (client: TalkdeskClient, offsetMs: number): void =>
  void learntOffsets.set(client, offsetMs);
