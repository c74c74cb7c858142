import { memoryStore, type TokenStore } from "@talkdesk-oauth/core";

/** A store in memory that a test can look into, slow down and break. */
export interface WatchedStore extends TokenStore {
  /** The values that were written and not deleted, by key. */
  readonly records: ReadonlyMap<string, string>;
  /** Runs before each operation. A test replaces it to delay the operation, or to make it fail. */
  behave: (operation: keyof TokenStore, key: string) => void | Promise<void>;
  /** From now on, reads give the values of this moment, as a replica that lags behind its primary. */
  lag(): void;
  /** Writes a value again, whatever the record is now: what a slow request of another process does at its end. */
  restore(key: string, value: string): Promise<void>;
}

export function watchedStore(): WatchedStore {
  const store = memoryStore();
  const records = new Map<string, string>();
  let stale: ReadonlyMap<string, string> = new Map();
  const watched: WatchedStore = {
    records,
    behave: () => {},
    async read(key) {
      await watched.behave("read", key);
      const found = await store.read(key);
      return found && { ...found, value: stale.get(key) ?? found.value };
    },
    async write(key, value, options) {
      await watched.behave("write", key);
      const version = await store.write(key, value, options);
      if (version !== undefined) records.set(key, value);
      return version;
    },
    async delete(key) {
      await watched.behave("delete", key);
      records.delete(key);
      await store.delete(key);
    },
    async lock(key, options) {
      await watched.behave("lock", key);
      return store.lock(key, options);
    },
    lag() {
      stale = new Map(records);
    },
    async restore(key, value) {
      const found = await store.read(key);
      await store.write(key, value, { expectedVersion: found?.version ?? 0 });
      records.set(key, value);
    },
  };
  return watched;
}
