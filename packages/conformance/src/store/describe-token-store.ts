import { describe } from "vitest";
import type { TokenStoreCapabilities, TokenStoreDriver } from "./driver.js";
import { describeExpiry } from "./expiry.js";
import { describeFences } from "./fences.js";
import { describeLocks } from "./locks.js";
import { describeStoredRecords } from "./records.js";
import type { StoreSubject } from "./stage.js";

/**
 * Defines the tests of what every `TokenStore` promises, for one store. Call it at the top level of a test file.
 *
 * @param name The store and its database; the name of the group of tests.
 * @param driver Makes an empty store, and is called once for each test. All assertions are here.
 * @param capabilities Facts about the store. Default: see {@link TokenStoreCapabilities}.
 * @example
 * describeTokenStore("memoryStore", () => ({ store: memoryStore() }));
 */
export function describeTokenStore(
  name: string,
  driver: TokenStoreDriver,
  { tickMs = 100, extendsLocks = true }: TokenStoreCapabilities = {},
): void {
  const subject: StoreSubject = { driver, capabilities: { tickMs, extendsLocks } };
  describe(name, () => {
    describe("records", () => describeStoredRecords(subject));
    describe("expiry", () => describeExpiry(subject));
    describe("locks", () => describeLocks(subject));
    describe("fences", () => describeFences(subject));
  });
}
