import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";

/** A store that counts its calls, those of its locks included. */
export interface CountedStore {
  readonly store: TokenStore;
  /** How many there were since the last look. */
  takeCount(): number;
}

export function countedStore({ read, write, delete: remove, lock }: TokenStore): CountedStore {
  let calls = 0;
  const counted =
    <Args extends readonly unknown[], Result>(call: (...args: Args) => Result) =>
    (...args: Args): Result => {
      calls += 1;
      return call(...args);
    };
  const countedLock = ({ fence, extend, release }: StoreLock): StoreLock => ({
    fence,
    ...(extend !== undefined && { extend: counted(extend) }),
    release: counted(release),
  });
  return {
    store: {
      read: counted(read),
      write: counted(write),
      delete: counted(remove),
      lock: counted(async (key, options) => {
        const taken = await lock(key, options);
        return taken && countedLock(taken);
      }),
    },
    takeCount() {
      const taken = calls;
      calls = 0;
      return taken;
    },
  };
}
