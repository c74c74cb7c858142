/** One record as a store holds it. */
export interface StoredToken {
  /** The text that was written. */
  readonly value: string;
  /** A number above 0 that changes with every write, and that a key never has twice. */
  readonly version: number;
}

/** The right to renew what one key holds, until it is released or its time runs out. */
export interface StoreLock {
  /** Grows with every lock of the key, and is never given out twice. */
  readonly fence: number;
  /**
   * Makes the lock end `ttlMs` milliseconds from now. Answers false when the lock is no longer held: its time ran out,
   * or it was released. A store without this function lets the time run out.
   */
  extend?(ttlMs: number): Promise<boolean>;
  /** Gives the lock up. Idempotent; without effect when the time has run out and another process holds the lock. */
  release(): Promise<void>;
}

/**
 * Where tokens live that outlast a process, or are shared by several. Every function rejects when the store cannot be
 * reached; `undefined` always means that it was. None waits for a lock that another process holds. Test a store of
 * your own with `describeTokenStore` of `@talkdesk-oauth/conformance`.
 *
 * A key is any text that is not empty, and no two keys are the same record. Keys and values are kept to the letter; a
 * store that cannot keep some characters (NUL, halves of surrogate pairs) rejects them and changes none.
 */
export interface TokenStore {
  /**
   * The record of a key; undefined when there is no record, or it has expired. Rejects with an error whose `code` is
   * `store_corrupt` when there is a record that the store cannot read: `delete` removes it.
   */
  read(key: string): Promise<StoredToken | undefined>;
  /**
   * Compare-and-set. Writes when the key's version is `expectedVersion` (0: there must be no record), and answers the
   * new version; undefined when it did not write.
   *
   * With `fence`, the write is refused as well once a later fence of that key has written; without one, fences do not
   * matter. `expiresAt` (epoch milliseconds) is when the record ends: a time in the past keeps no record, absent or
   * `Infinity` means never, and `NaN` is a `TypeError` (rejection).
   */
  write(
    key: string,
    value: string,
    options: { readonly expectedVersion: number; readonly fence?: number; readonly expiresAt?: number },
  ): Promise<number | undefined>;
  /** Removes the record of a key. Versions and fences go on from where they were. */
  delete(key: string): Promise<void>;
  /**
   * Takes the lock of a key for at most `ttlMs` milliseconds. Answers at once: undefined when the lock is held.
   * Rejects when the store cannot be reached, or with the reason of `signal`; then no lock is left behind.
   */
  lock(
    key: string,
    options: { readonly ttlMs: number; readonly signal?: AbortSignal },
  ): Promise<StoreLock | undefined>;
}

const FUNCTIONS = ["read", "write", "delete", "lock"] as const;

/**
 * Checks that `store` has the functions of a {@link TokenStore}. Every function of the packages that takes a store
 * checks it so. Nothing is called: `describeTokenStore` of `@talkdesk-oauth/conformance` tests what the functions do.
 *
 * @throws TypeError for anything else.
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
