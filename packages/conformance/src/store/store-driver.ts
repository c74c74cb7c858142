import type { TokenStore } from "@talkdesk-oauth/core";

/** A store with nothing in it, as one test uses it. */
export interface TokenStoreSetup {
  readonly store: TokenStore;
  /**
   * Another handle on the same data, over a connection of its own, as another process would have. Absent where there
   * is no such thing: the suite then uses the one for both sides.
   */
  another?(): TokenStore | Promise<TokenStore>;
  /**
   * Moves the time on that the store and `Date` see, by milliseconds. Absent: the suite waits, a few times `tickMs`.
   */
  advance?(ms: number): void | Promise<void>;
  /** Frees what the handles hold, and what they stored. Called when the test is over. */
  close?(): void | Promise<void>;
}

/**
 * Makes the store under test, afresh for each test: a database, a schema or a prefix of its own. A driver asserts
 * nothing and repairs nothing.
 */
export type TokenStoreDriver = () => TokenStoreSetup | Promise<TokenStoreSetup>;

/** Facts about a store that are no matter of right or wrong. */
export interface TokenStoreCapabilities {
  /** The shortest time that the store tells from none, in milliseconds. Default: 100. */
  readonly tickMs?: number;
  /** Whether a lock can be extended. Default: true. False: its `extend` is absent, and its time runs out. */
  readonly extendsLocks?: boolean;
}
