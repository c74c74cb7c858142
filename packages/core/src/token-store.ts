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
  /** Gives the lock up. Idempotent; without effect when the time has run out and somebody else holds it. */
  release(): Promise<void>;
}

/**
 * Where tokens live that outlast a process, or are shared by several. Every function rejects when the store cannot be
 * reached; none waits for another's lock. Prove one of your own with `describeTokenStore` of
 * `@talkdesk-oauth/conformance`.
 */
export interface TokenStore {
  /** The record of a key; undefined when there is none, or it has expired. */
  read(key: string): Promise<StoredToken | undefined>;
  /**
   * Compare-and-set. Writes when the key's version is `expectedVersion` (0: there must be no record), and answers
   * whether it did.
   *
   * With `fence`, the write is refused as well (false) once a later fence of that key has written; without one, fences
   * do not matter. `expiresAt` (epoch milliseconds) is when the record may be forgotten; default: never.
   */
  write(
    key: string,
    value: string,
    options: { readonly expectedVersion: number; readonly fence?: number; readonly expiresAt?: number },
  ): Promise<boolean>;
  /** Removes the record of a key. Versions go on from where they were. */
  delete(key: string): Promise<void>;
  /**
   * Takes the lock of a key for at most `ttlMs` milliseconds. Answers at once: undefined when somebody else holds it.
   * Rejects when the store cannot be reached, or with the reason of `signal`.
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
