import type { TokenStore } from "@talkdesk-oauth/core";

/** An empty store for one test. */
export interface TokenStoreSetup {
  /** The store under test. */
  readonly store: TokenStore;
  /**
   * Makes a second handle on the same data, over its own connection, as another process would have. Absent: the suite uses
   * `store` for both sides of a race.
   */
  another?(): TokenStore | Promise<TokenStore>;
  /**
   * Advances the time that the store and `Date` see, by milliseconds. Absent: the suite waits, for a few times `tickMs`.
   */
  advance?(ms: number): void | Promise<void>;
  /** Frees connections, and deletes what the test stored. Called when the test is over. */
  close?(): void | Promise<void>;
}

/**
 * Makes the store for one test, with a database, a schema or a key prefix of its own. A driver asserts nothing and repairs
 * nothing.
 */
export type TokenStoreDriver = () => TokenStoreSetup | Promise<TokenStoreSetup>;

/** Facts about a store that break no promise. */
export interface TokenStoreCapabilities {
  /** The resolution of the store's clock, in milliseconds: 1000 for a store that counts seconds. Default: 100. */
  readonly tickMs?: number;
  /** Whether the store's locks have `extend`. Default: true. False: `extend` is absent, and a lock ends with its time. */
  readonly extendsLocks?: boolean;
}
