import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { StoredToken, StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { expect } from "vitest";
import type { TokenStoreCapabilities, TokenStoreDriver } from "./driver.js";

/** The store under test, as each group of tests gets it. */
export interface StoreSubject {
  readonly driver: TokenStoreDriver;
  readonly capabilities: Required<TokenStoreCapabilities>;
}

/** A store for one test. */
export interface StoreStage extends AsyncDisposable {
  readonly store: TokenStore;
  /** A second handle on the same data, as another process has it. */
  readonly other: TokenStore;
  /** A key that no other test uses. */
  readonly key: string;
  /** Makes one more handle on the same data. */
  another(): Promise<TokenStore>;
  /** A monotonic time in milliseconds, by the clock of the store. */
  now(): number;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
  /** Lets time pass until `check` resolves to a value, and resolves to that. */
  until<T>(check: () => Promise<T | undefined>): Promise<T>;
}

/** The time of a lock that outlives its test, in milliseconds. */
export const LONG_MS = 300_000;

/** How much longer than the store's own times the suite waits for a condition, in milliseconds. */
const PATIENCE_MS = 5_000;

/** Makes a store with the driver. */
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
          throw new Error("The condition that the test waits for did not occur.");
        }
        await pass(capabilities.tickMs / 10);
      }
    },
    async [Symbol.asyncDispose]() {
      await setup.close?.();
    },
  };
}

/** Replaces the record of a key, and resolves to the new version. */
export async function put(
  store: TokenStore,
  key: string,
  value: string,
  options: { readonly fence?: number; readonly expiresAt?: number } = {},
): Promise<number> {
  const expectedVersion = (await store.read(key))?.version ?? 0;
  const written = await store.write(key, value, Object.freeze({ expectedVersion, ...options }));
  const { version } = await expectRecord(store, key, value);
  expect(written).toBe(version);
  return version;
}

/** Reads the record of a key, and expects this value in it. */
export async function expectRecord(store: TokenStore, key: string, value: string): Promise<StoredToken> {
  const stored = await store.read(key);
  expect(stored?.value).toBe(value);
  return stored as StoredToken;
}

/** Takes the lock of a key, and expects that it is free. */
export async function takeLock(store: TokenStore, key: string, ttlMs: number = LONG_MS): Promise<StoreLock> {
  const lock = await store.lock(key, Object.freeze({ ttlMs }));
  expect(lock).toEqual(expect.objectContaining({ fence: expect.any(Number) }));
  return lock as StoreLock;
}

/** Expects that the lock of a key is held. */
export async function expectHeld(store: TokenStore, key: string): Promise<void> {
  expect(await store.lock(key, { ttlMs: LONG_MS })).toBeUndefined();
}

/** Waits for some passTurns of the microtask queue, so that calls that start together interleave in many ways. */
export async function passTurns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await undefined;
}
