import { type RedisClient, redisStore } from "@talkdesk-oauth/redis";
import { expect } from "vitest";

/** Calls every function of a store, and forgets the scripts before each. */
export async function callAll(
  client: RedisClient,
  prefix: string,
  forget: () => Promise<unknown>,
): Promise<void> {
  const store = redisStore({ client, prefix, onEvent: () => {} });
  for (const key of ["a", "b", "c", "d"]) {
    await forget();
    const lock = await store.lock(key, { ttlMs: 60_000 });
    await forget();
    const version = await store.write(key, "value", { expectedVersion: 0, fence: lock?.fence ?? 0 });
    await forget();
    expect(await store.read(key)).toEqual({ value: "value", version });
    await forget();
    expect(await lock?.extend?.(60_000)).toBe(true);
    await forget();
    await lock?.release();
    await forget();
    expect(await lock?.extend?.(60_000)).toBe(false);
    await forget();
    await store.delete(key);
    expect(await store.read(key)).toBeUndefined();
  }
}
