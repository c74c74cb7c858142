import { type SessionData, Store } from "express-session";

/** How often the sessions that have expired are removed, in milliseconds. */
const sweepEveryMs = 60_000;

/**
 * Keeps sessions in memory, and no more of them than it can bear: anybody can begin a login, and most who do so by
 * accident or on purpose never come back. Sessions that have expired are removed; when there are too many, the one that
 * expires first makes room.
 *
 * The store that express-session has by default removes nothing by itself.
 */
export class MemorySessions extends Store {
  readonly #sessions = new Map<string, { readonly text: string; readonly expiresAt: number }>();
  readonly #mostSessions: number;
  #nextSweep = 0;

  /** @param mostSessions How many are kept at a time. Default 10,000. */
  constructor(mostSessions = 10_000) {
    super();
    this.#mostSessions = mostSessions;
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const found = this.#sessions.get(id);
    const isThere = found !== undefined && found.expiresAt > Date.now();
    setImmediate(callback, null, isThere ? JSON.parse(found.text) : null);
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.#sweep();
    this.#sessions.set(id, { text: JSON.stringify(session), expiresAt: expiryOf(session) });
    if (this.#sessions.size > this.#mostSessions) this.#makeRoom();
    if (callback) setImmediate(callback);
  }

  override touch(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    const found = this.#sessions.get(id);
    if (found !== undefined) this.#sessions.set(id, { ...found, expiresAt: expiryOf(session) });
    if (callback) setImmediate(callback);
  }

  override destroy(id: string, callback?: (error?: unknown) => void): void {
    this.#sessions.delete(id);
    if (callback) setImmediate(callback);
  }

  override length(callback: (error: unknown, length?: number) => void): void {
    setImmediate(callback, null, this.#sessions.size);
  }

  #sweep(): void {
    const now = Date.now();
    if (now < this.#nextSweep) return;
    this.#nextSweep = now + sweepEveryMs;
    for (const [id, { expiresAt }] of this.#sessions) {
      if (expiresAt <= now) this.#sessions.delete(id);
    }
  }

  #makeRoom(): void {
    let [first, soonest] = ["", Number.POSITIVE_INFINITY];
    for (const [id, { expiresAt }] of this.#sessions) {
      if (expiresAt < soonest) [first, soonest] = [id, expiresAt];
    }
    this.#sessions.delete(first);
  }
}

function expiryOf({ cookie }: SessionData): number {
  const { expires } = cookie;
  return expires instanceof Date ? expires.getTime() : Number.MAX_SAFE_INTEGER;
}
