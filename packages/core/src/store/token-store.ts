/** One record as a store holds it. */
export interface StoredToken {
  /** The text that was written. */
  readonly value: string;
  /** A number above 0. It changes with every write, and a key never has the same one twice. */
  readonly version: number;
}

/** The right to renew the token of one key, until it is released or its time runs out. */
export interface StoreLock {
  /** Grows with every lock of the key, and never repeats. */
  readonly fence: number;
  /**
   * Makes the lock end `ttlMs` milliseconds from now. Resolves to false when the lock is no longer held, because its time
   * ran out or it was released. Optional: without it, a lock ends when its time runs out.
   */
  extend?(ttlMs: number): Promise<boolean>;
  /** Releases the lock. Idempotent. Does nothing when the time has run out and another process holds the lock. */
  release(): Promise<void>;
}

/**
 * Where tokens are stored that outlive a process, or that several processes share. Every function rejects when the store
 * cannot be reached, so `undefined` always is the answer of the store. No function waits for a lock. Test your own store
 * with `describeTokenStore` of `@talkdesk-oauth/conformance`.
 *
 * A key is any text that is not empty, and different keys are different records. Keys and values are stored unchanged; a
 * store that cannot keep some characters (NUL, lone surrogates) rejects them.
 */
export interface TokenStore {
  /**
   * Reads the record of a key. Undefined when there is none, or it has expired. Rejects with an error whose `code` is
   * `store_corrupt` when the store cannot read the record, which `delete` removes.
   */
  read(key: string): Promise<StoredToken | undefined>;
  /**
   * Writes a record if the version of the key is `expectedVersion` (compare-and-set; 0: there must be no record). Resolves
   * to the new version, or to undefined when it did not write.
   *
   * With `fence`, it does not write either when a later fence of the key has written. `expiresAt` is when the record
   * expires, in epoch milliseconds: a time in the past keeps no record, absent or `Infinity` means never, and `NaN` is a
   * `TypeError` (rejection).
   */
  write(
    key: string,
    value: string,
    options: { readonly expectedVersion: number; readonly fence?: number; readonly expiresAt?: number },
  ): Promise<number | undefined>;
  /** Removes the record of a key. Its versions and fences never repeat, also after this. */
  delete(key: string): Promise<void>;
  /**
   * Takes the lock of a key for at most `ttlMs` milliseconds. Does not wait: undefined when the lock is held. Rejects when
   * the store cannot be reached, or with the reason of `signal`; then no lock is left behind.
   */
  lock(
    key: string,
    options: { readonly ttlMs: number; readonly signal?: AbortSignal },
  ): Promise<StoreLock | undefined>;
}

const FUNCTIONS = ["read", "write", "delete", "lock"] as const;

/**
 * Checks that `store` has the functions of a {@link TokenStore}, as all functions of the packages do that take a store. It
 * calls none of them; `describeTokenStore` of `@talkdesk-oauth/conformance` tests what they do.
 *
 * @throws
 * - TypeError: a function is missing.
 * @example
 * checkTokenStore(memoryStore()); // fine
 * checkTokenStore(new Map()); // TypeError
 */
export function checkTokenStore(store: unknown): asserts store is TokenStore {
  const members = Object(store) as Record<(typeof FUNCTIONS)[number], unknown>;
  if (!FUNCTIONS.every((name) => typeof members[name] === "function")) {
    throw new TypeError(
      `store must be a TokenStore, such as memoryStore(): it must have the functions ${FUNCTIONS.join(", ")}.`,
    );
  }
}
