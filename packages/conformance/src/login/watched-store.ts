import { memoryStore, type TokenStore } from "@talkdesk-oauth/core";

/** A store in memory that a test can look into, slow down and break. */
export interface WatchedStore extends TokenStore {
  /** The values that were written and not deleted, by key. */
  readonly records: ReadonlyMap<string, string>;
  /** Runs before each operation. A test replaces it to delay the operation, or to make it fail. */
  behave: (operation: keyof TokenStore, key: string) => void | Promise<void>;
}

export function watchedStore(): WatchedStore {
  const store = memoryStore();
  const records = new Map<string, string>();
  const watched: WatchedStore = {
    records,
    behave: () => {},
    async read(key) {
      await watched.behave("read", key);
      return store.read(key);
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
  };
  return watched;
}
