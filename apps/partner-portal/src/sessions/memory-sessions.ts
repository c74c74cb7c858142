import { type SessionData, Store } from "express-session";

/** How often expired sessions are removed: rarely enough to cost nothing. */
const SWEEP_INTERVAL_MS = 60_000;

/**
 * Keeps sessions in memory, up to a limit, because anybody can begin a login and leave a session behind. Expired sessions
 * are removed; at the limit, the session that expires first is dropped.
 *
 * The default store of express-session never removes anything.
 */
export class MemorySessions extends Store {
  readonly #sessions = new Map<string, { readonly text: string; readonly expiresAt: number }>();
  readonly #maxSessions: number;
  #nextSweep = 0;

  /** @param maxSessions How many sessions are kept at the same time. Default 10,000. */
  constructor(maxSessions = 10_000) {
    super();
    this.#maxSessions = maxSessions;
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    const found = this.#sessions.get(id);
    const isThere = found !== undefined && found.expiresAt > Date.now();
    setImmediate(callback, null, isThere ? JSON.parse(found.text) : null);
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    this.#sweep();
    this.#sessions.set(id, { text: JSON.stringify(session), expiresAt: readExpiry(session) });
    if (this.#sessions.size > this.#maxSessions) this.#makeRoom();
    if (callback) setImmediate(callback);
  }

  override touch(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    const found = this.#sessions.get(id);
    if (found !== undefined) this.#sessions.set(id, { ...found, expiresAt: readExpiry(session) });
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
    this.#nextSweep = now + SWEEP_INTERVAL_MS;
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

function readExpiry({ cookie }: SessionData): number {
  const { expires } = cookie;
  return expires instanceof Date ? expires.getTime() : Number.MAX_SAFE_INTEGER;
}
