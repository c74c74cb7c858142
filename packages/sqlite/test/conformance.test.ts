import { describeTokenStore } from "@talkdesk-oauth/conformance";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import { describe, it, vi } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { driverNamed, drivers, missingDrivers } from "./support/drivers.js";

describe.each(drivers)("a database of $name", (driver) => {
  describeTokenStore("a file, by a clock that the test moves", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const file = databaseFile(driver);
    return {
      store: sqliteStore(file.open()),
      another: () => sqliteStore(file.open()),
      advance: (ms) => void vi.advanceTimersByTime(ms),
      close() {
        file[Symbol.dispose]();
        vi.useRealTimers();
      },
    };
  });

  describeTokenStore("in memory", () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const database = driver.open(":memory:");
    return {
      store: sqliteStore(database),
      another: () => sqliteStore(database),
      advance: (ms) => void vi.advanceTimersByTime(ms),
      close() {
        database.close();
        vi.useRealTimers();
      },
    };
  });
});

// It is on every Node, and the driver makes no difference to the clock.
const libsql = driverNamed("libsql");
describeTokenStore("a file, by the clock of the platform", () => {
  const file = databaseFile(libsql);
  return {
    store: sqliteStore(file.open()),
    another: () => sqliteStore(file.open()),
    close: () => file[Symbol.dispose](),
  };
});

it.skip.each(missingDrivers)("$name, which needs $needs", () => {});
