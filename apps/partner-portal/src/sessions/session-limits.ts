/** A session exceeds one of the portal's limits. */
export class LimitExceeded extends Error {
  override readonly name = "LimitExceeded";
  /** What the limit counts, such as "reports". */
  readonly what: string;
  /** When to try again. */
  readonly retryAfterSeconds: number;

  constructor(what: string, retryAfterSeconds: number) {
    super(`One session asked for too many ${what}.`);
    this.what = what;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** When to try again at a limit of concurrent work: pages and downloads usually end within seconds. */
export const RETRY_SECONDS = 5;

/** Ends one admission. Calling it again does nothing. */
type Leave = () => void;

/**
 * Limits what one session does at the same time.
 *
 * @returns A function that admits one more, or throws {@link LimitExceeded}.
 */
export function limitAtOnce(what: string, max: number): (session: string) => Leave {
  const counts = new Map<string, number>();
  return (session) => {
    const count = counts.get(session) ?? 0;
    if (count >= max) throw new LimitExceeded(what, RETRY_SECONDS);
    counts.set(session, count + 1);
    return once(() => {
      const left = (counts.get(session) ?? 1) - 1;
      if (left > 0) counts.set(session, left);
      else counts.delete(session);
    });
  };
}

/**
 * Limits what one session does in a period of time.
 *
 * @returns A function that counts one more, or throws {@link LimitExceeded}.
 */
export function limitInPeriod(what: string, max: number, periodMs: number): (session: string) => void {
  /** Epoch milliseconds, oldest first. Sessions are in the order of their latest time. */
  const times = new Map<string, readonly number[]>();
  return (session) => {
    const now = Date.now();
    for (const [other, all] of times) {
      if ((all.at(-1) ?? 0) > now - periodMs) break;
      times.delete(other);
    }
    const recent = (times.get(session) ?? []).filter((at) => at > now - periodMs);
    const [oldest = now] = recent;
    if (recent.length >= max) throw new LimitExceeded(what, Math.ceil((oldest + periodMs - now) / 1_000));
    times.delete(session);
    times.set(session, [...recent, now]);
  };
}

/** Limits of {@link takeTurns}, for one session. */
export interface Turns {
  /** How many run at the same time. */
  readonly atOnce: number;
  /** How many wait for their turn. */
  readonly waiting: number;
}

/**
 * Limits what one session does at the same time, and makes the rest wait for its turn.
 *
 * @returns A function that resolves when the turn comes. It rejects with {@link LimitExceeded} when too many wait, and
 *   with the signal's reason when the signal aborts.
 */
export function takeTurns(
  what: string,
  { atOnce, waiting }: Turns,
): (session: string, signal: AbortSignal) => Promise<Leave> {
  const sessions = new Map<string, { running: number; readonly queue: Set<() => void> }>();
  return (session, signal) => {
    const own = sessions.get(session) ?? { running: 0, queue: new Set() };
    const leave = once(() => {
      own.running -= 1;
      const [next] = own.queue;
      if (next !== undefined) next();
      else if (own.running === 0) sessions.delete(session);
    });
    const start = (): Leave => {
      own.running += 1;
      sessions.set(session, own);
      return leave;
    };
    return new Promise((resolve, reject) => {
      if (own.running < atOnce) return resolve(start());
      if (own.queue.size >= waiting) return reject(new LimitExceeded(what, RETRY_SECONDS));
      const proceed = (): void => {
        own.queue.delete(proceed);
        signal.removeEventListener("abort", giveUp);
        resolve(start());
      };
      const giveUp = (): void => {
        own.queue.delete(proceed);
        reject(signal.reason);
      };
      own.queue.add(proceed);
      signal.addEventListener("abort", giveUp, { once: true });
    });
  };
}

function once(work: () => void): Leave {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}
