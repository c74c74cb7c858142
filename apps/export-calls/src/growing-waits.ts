import type { Clock } from "./clock.js";
import { ExportFailure } from "./export-failure.js";

/** How waits grow, and when they end. All in milliseconds. */
export interface GrowingWaitsOptions {
  readonly firstMs: number;
  /** No wait is longer, unless the server asks for one that is. */
  readonly longestMs: number;
  /** How long all may take, from now on, with what happens between the waits. */
  readonly totalMs: number;
}

const growth = 1.5;

/**
 * Gives one wait after the other, each longer than the one before, and never shorter than what the server asks for.
 *
 * @param subject What is being waited for, for the message.
 * @returns A function from what the server asks for to the milliseconds to wait. It throws an {@link ExportFailure}
 *   when that would take longer than `totalMs`, so that nobody waits in vain.
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
    next = Math.min(next * growth, longestMs);
    if (clock.now() - startedAt + wait > totalMs) {
      const asked = askedMs > 0 ? ` (Talkdesk asks to wait ${Math.ceil(askedMs / 1000)} s more)` : "";
      throw new ExportFailure(
        `${subject} would take longer than ${Math.round(totalMs / 60_000)} minutes${asked}; run the same command again later.`,
      );
    }
    return wait;
  };
}
