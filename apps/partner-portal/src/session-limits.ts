/** One session asks for more than it may have. */
export class TooMuch extends Error {
  override readonly name = "TooMuch";
  /** What there is too much of, such as "reports". */
  readonly what: string;
  /** When to try again. */
  readonly retryAfterSeconds: number;

  constructor(what: string, retryAfterSeconds: number) {
    super(`One session asked for too many ${what}.`);
    this.what = what;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Ends what a limit has let in. Safe to call again. */
type Leave = () => void;

/**
 * Makes a limit on what one session does at the same time.
 *
 * @returns Lets one more in, or throws {@link TooMuch}.
 */
export function limitAtOnce(what: string, most: number): (session: string) => Leave {
  const counts = new Map<string, number>();
  return (session) => {
    const count = counts.get(session) ?? 0;
    if (count >= most) throw new TooMuch(what, 5);
    counts.set(session, count + 1);
    return once(() => {
      const left = (counts.get(session) ?? 1) - 1;
      if (left > 0) counts.set(session, left);
      else counts.delete(session);
    });
  };
}

/**
 * Makes a limit on what one session does in a period of time.
 *
 * @returns Counts one more, or throws {@link TooMuch}.
 */
export function limitInPeriod(what: string, most: number, periodMs: number): (session: string) => void {
  /** Epoch milliseconds, oldest first; sessions in the order of their latest. */
  const times = new Map<string, readonly number[]>();
  return (session) => {
    const now = Date.now();
    for (const [other, all] of times) {
      if ((all.at(-1) ?? 0) > now - periodMs) break;
      times.delete(other);
    }
    const recent = (times.get(session) ?? []).filter((at) => at > now - periodMs);
    const [oldest = now] = recent;
    if (recent.length >= most) throw new TooMuch(what, Math.ceil((oldest + periodMs - now) / 1_000));
    times.delete(session);
    times.set(session, [...recent, now]);
  };
}

/** How many may go on at the same time, and how many may wait. */
export interface Turns {
  readonly atOnce: number;
  readonly waiting: number;
}

/**
 * Makes a limit on what one session does at the same time, where the rest waits for its turn.
 *
 * @returns Resolves when it is one's turn. Rejects with {@link TooMuch} when too many wait, and when the signal aborts.
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
      if (own.queue.size >= waiting) return reject(new TooMuch(what, 5));
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
