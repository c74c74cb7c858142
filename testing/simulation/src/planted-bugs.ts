import type { StoredToken, StoreLock, TokenStore } from "@talkdesk-oauth/core";

/** Mistakes that the simulation must find. Each changes the store as one process sees it, which has the effect of the mistake. */
export const PLANTED_BUGS: Readonly<Record<string, (store: TokenStore) => TokenStore>> = {
  "no lock": (store) => ({ ...store, lock: async () => freeLock }),

  "a lease shorter than the deadline": (store) => ({
    ...store,
    lock: (key, options) => store.lock(key, { ...options, ttlMs: options.ttlMs / 20 }),
  }),

  "a lock that is released while it is needed": (store) => ({
    ...store,
    async lock(key, options) {
      const lock = await store.lock(key, options);
      lock?.release().catch(() => {});
      return lock;
    },
  }),

  "a lock that never ends": (store) => ({
    ...store,
    async lock(key, options) {
      const lock = await store.lock(key, { ...options, ttlMs: 3_600_000 });
      return lock && { fence: lock.fence, release: async () => {} };
    },
  }),

  "no second look at the record under the lock": (store) => {
    const seen = new Map<string, StoredToken | undefined>();
    const locked = new Set<string>();
    return {
      ...store,
      async read(key) {
        if (locked.delete(key)) return seen.get(key);
        const found = await store.read(key);
        seen.set(key, found);
        return found;
      },
      async lock(key, options) {
        const lock = await store.lock(key, options);
        if (lock !== undefined) locked.add(key);
        return lock;
      },
    };
  },

  "no mark of the attempt in the store": (store) => {
    /** Marked records that this process alone believes in. */
    const marked = new Map<string, StoredToken>();
    const isMarked = (value: string): boolean => value.includes('"attempt":"');
    return {
      ...store,
      async read(key) {
        const found = await store.read(key);
        const own = marked.get(key);
        return own !== undefined && own.version === found?.version ? own : found;
      },
      async write(key, value, options) {
        if (!isMarked(value)) return store.write(key, value, options);
        marked.set(key, { value, version: options.expectedVersion });
        return options.expectedVersion;
      },
    };
  },

  "a write that does not compare versions, nor fences": (store) => ({
    ...store,
    async write(key, value, { expectedVersion: _, fence: __, ...options }) {
      const found = await store.read(key);
      return store.write(key, value, { ...options, expectedVersion: found?.version ?? 0 });
    },
  }),

  "a successor that is handed out before it is stored": (store) => ({
    ...store,
    async write(key, value, options) {
      if (options.fence === undefined) return store.write(key, value, options);
      store.write(key, value, options).catch(() => {});
      return options.expectedVersion;
    },
  }),

  "a logout that leaves the record to others": (store) => ({ ...store, delete: async () => {} }),
};

const freeLock: StoreLock = { fence: 1, release: async () => {} };
