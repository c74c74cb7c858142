import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoredToken, StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { expect } from "vitest";
import type { TokenStoreCapabilities, TokenStoreDriver } from "./store-driver.js";

/** The store under test, as every group of tests gets it. */
export interface StoreSubject {
  readonly driver: TokenStoreDriver;
  readonly capabilities: Required<TokenStoreCapabilities>;
}

/** A store for one test. */
export interface StoreStage extends AsyncDisposable {
  readonly store: TokenStore;
  /** The same data, as another process sees it. */
  readonly other: TokenStore;
  /** A key that no other test uses. */
  readonly key: string;
  /** One more handle on the same data. */
  another(): Promise<TokenStore>;
  /** Milliseconds since some point, by the time that the store sees. */
  now(): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until `check` answers with something, and gives that. */
  until<T>(check: () => Promise<T | undefined>): Promise<T>;
}

/** Longer than any test takes. */
export const LONG_MS = 300_000;

/** How long the suite waits for what a store should have done by then. */
const PATIENCE_MS = 5_000;

/** Sets the stage. */
export async function setStoreStage({ driver, capabilities }: StoreSubject): Promise<StoreStage> {
  const setup = await driver();
  let advanced = 0;
  const now = (): number => (setup.advance === undefined ? performance.now() : advanced);
  async function pass(ms: number): Promise<void> {
    if (setup.advance === undefined) return sleep(ms);
    await setup.advance(ms);
    advanced += ms;
  }
  const another = async (): Promise<TokenStore> => (await setup.another?.()) ?? setup.store;
  return {
    store: setup.store,
    other: await another(),
    key: `key-${randomUUID()}`,
    another,
    now,
    pass,
    async until(check) {
      const startedAt = now();
      for (;;) {
        const answer = await check();
        if (answer !== undefined) return answer;
        if (now() - startedAt > 10 * capabilities.tickMs + PATIENCE_MS) {
          throw new Error("What was waited for has not come about.");
        }
        await pass(capabilities.tickMs / 10);
      }
    },
    async [Symbol.asyncDispose]() {
      await setup.close?.();
    },
  };
}

/** Writes over whatever the key holds, and gives the version that came of it. */
export async function put(
  store: TokenStore,
  key: string,
  value: string,
  options: { readonly fence?: number; readonly expiresAt?: number } = {},
): Promise<number> {
  const expectedVersion = (await store.read(key))?.version ?? 0;
  const written = await store.write(key, value, Object.freeze({ expectedVersion, ...options }));
  const { version } = await present(store, key, value);
  expect(written).toBe(version);
  return version;
}

/** The record of a key, which must be there and hold that. */
export async function present(store: TokenStore, key: string, value: string): Promise<StoredToken> {
  const stored = await store.read(key);
  expect(stored?.value).toBe(value);
  return stored as StoredToken;
}

/** Takes the lock of a key, which must be free. */
export async function take(store: TokenStore, key: string, ttlMs: number = LONG_MS): Promise<StoreLock> {
  const lock = await store.lock(key, Object.freeze({ ttlMs }));
  expect(lock).toEqual(expect.objectContaining({ fence: expect.any(Number) }));
  return lock as StoreLock;
}

/** The lock of a key must be held, by whomever. */
export async function expectHeld(store: TokenStore, key: string): Promise<void> {
  expect(await store.lock(key, { ttlMs: LONG_MS })).toBeUndefined();
}

/** Waits for some turns of the microtask queue, so that calls which start together interleave in many ways. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await undefined;
}
