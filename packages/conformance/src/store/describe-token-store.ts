import { describe } from "vitest";
import type { TokenStoreCapabilities, TokenStoreDriver } from "./store-driver.js";
import { describeExpiry } from "./store-expiry.js";
import { describeFences } from "./store-fences.js";
import { describeLocks } from "./store-locks.js";
import { describeStoredRecords } from "./store-records.js";
import type { StoreSubject } from "./store-stage.js";

/**
 * States what every `TokenStore` of core promises, as tests of one. All assertions are here; a driver has none.
 *
 * @param name What is under test: the store, and what it stands on.
 * @param driver Makes the store, with nothing in it; called once for each test.
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
