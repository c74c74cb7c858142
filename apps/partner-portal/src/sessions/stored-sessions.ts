import { createHash } from "node:crypto";
import type { TokenStore } from "@talkdesk-oauth/core";
import { type SessionData, Store } from "express-session";

/** The store failed, so a session could not be read or saved. */
export class SessionsFailure extends Error {
  override readonly name = "SessionsFailure";
  /** The code of the store's error, such as `SQLITE_FULL`. */
  readonly code: string | undefined;

  /** @param error The store's error. Its message may quote a secret, so only its code is kept. */
  constructor(error: unknown) {
    const { code } = Object(error) as { readonly code?: unknown };
    const name = typeof code === "string" ? code : undefined;
    super(`The store of sessions failed${name === undefined ? "" : ` with ${name}`}.`);
    this.code = name;
  }
}

/** How far the end of a session moves before it is written: a session in use costs one write a minute. */
const TOUCH_STEP_MS = 60_000;

/** How often a write is tried that other requests of the same session overtake. */
const MAX_ATTEMPTS = 20;

/**
 * Keeps the sessions of express-session in a store of tokens. Each is one record under a hash of its id, so that a reader
 * of the store cannot make a cookie from it. The last write of a session wins, as express-session expects. The store
 * removes expired sessions.
 *
 * A record that cannot be read counts as no session, and is left where it is.
 */
export class StoredSessions extends Store {
  readonly #store: TokenStore;
  readonly #onUnreadable: (error: unknown) => void;

  /** @param onUnreadable Called with the store's error for each record that cannot be read. */
  constructor(store: TokenStore, onUnreadable: (error: unknown) => void) {
    super();
    this.#store = store;
    this.#onUnreadable = onUnreadable;
  }

  override get(id: string, callback: (error: unknown, session?: SessionData | null) => void): void {
    settle(async () => (await this.#find(keyOf(id)))?.session ?? null, callback);
  }

  override set(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    settle(() => this.#replace(keyOf(id), session, () => true), callback);
  }

  override touch(id: string, session: SessionData, callback?: (error?: unknown) => void): void {
    const endsAt = readEnd(session);
    const isDue = (found: SessionData | undefined): boolean =>
      found !== undefined && Math.abs(endsAt - readEnd(found)) >= TOUCH_STEP_MS;
    settle(() => this.#replace(keyOf(id), session, isDue), callback);
  }

  override destroy(id: string, callback?: (error?: unknown) => void): void {
    settle(() => this.#store.delete(keyOf(id)), callback);
  }

  /** Writes the session, if `isWanted` says so of the one that is stored. */
  async #replace(
    key: string,
    session: SessionData,
    isWanted: (found: SessionData | undefined) => boolean,
  ): Promise<void> {
    const value = JSON.stringify(session);
    const expiresAt = readEnd(session);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const found = await this.#find(key);
      if (!isWanted(found?.session)) return;
      const expectedVersion = found?.version ?? 0;
      if ((await this.#store.write(key, value, { expectedVersion, expiresAt })) !== undefined) return;
    }
    throw Object.assign(new Error(), { code: "write_conflict" });
  }

  async #find(key: string): Promise<{ readonly session: SessionData; readonly version: number } | undefined> {
    try {
      const stored = await this.#store.read(key);
      return stored && { session: JSON.parse(stored.value) as SessionData, version: stored.version };
    } catch (error) {
      if (Object(error).code !== "store_corrupt") throw error;
      this.#onUnreadable(error);
      return undefined;
    }
  }
}

const keyOf = (id: string): string => `session:${createHash("sha256").update(id).digest("base64url")}`;

/** When a session ends, in epoch milliseconds. In a stored session, the time is a text. */
function readEnd({ cookie }: SessionData): number {
  return cookie.expires ? new Date(cookie.expires).getTime() : Number.POSITIVE_INFINITY;
}

/** Passes on what a promise settles with. Outside of the promise, where an error that the callback throws is not lost. */
function settle<T>(
  work: () => Promise<T>,
  callback: (error: unknown, value?: T) => void = () => undefined,
): void {
  work().then(
    (value) => setImmediate(callback, null, value),
    (error: unknown) => setImmediate(callback, new SessionsFailure(error)),
  );
}
