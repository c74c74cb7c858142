import type { Clock } from "./clock.js";
import { ExportFailure } from "./export-failure.js";

/** Options of {@link growingWaits}, in milliseconds. */
export interface GrowingWaitsOptions {
  readonly firstMs: number;
  /** The longest wait, unless the server asks for a longer one. */
  readonly longestMs: number;
  /** The time from now until the last wait has ended, with everything that happens between the waits. */
  readonly totalMs: number;
}

/** Each wait is this much longer than the one before. */
const GROWTH = 1.5;

/**
 * Computes waits, each longer than the one before and at least as long as the server asks for.
 *
 * @param subject What the waits are for, for the message.
 * @returns A function that takes the wait the server asks for and returns the next wait, in milliseconds. It throws
 *   {@link ExportFailure} when the wait would end after `totalMs`.
 */
export function growingWaits(
  { firstMs, longestMs, totalMs }: GrowingWaitsOptions,
  clock: Clock,
  subject: string,
): (askedMs?: number) => number {
  const startedAt = clock.now();
  let next = firstMs;
  return (askedMs = 0) => {
    const wait = Math.max(next, askedMs);
    next = Math.min(next * GROWTH, longestMs);
    if (clock.now() - startedAt + wait > totalMs) {
      const asked = askedMs > 0 ? ` (Talkdesk asks to wait ${Math.ceil(askedMs / 1000)} s more)` : "";
      throw new ExportFailure(
        `${subject} would take longer than ${Math.round(totalMs / 60_000)} minutes${asked}; run the same command again later.`,
      );
    }
    return wait;
  };
}
