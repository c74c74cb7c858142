import { StoreHistory, storeSteps } from "@talkdesk-oauth/fixtures/store-history";
import { sqliteStore } from "@talkdesk-oauth/sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { databaseFile } from "./support/database-file.js";
import { drivers, type Handle } from "./support/drivers.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** A history of two handles on one file. */
class FileHistory extends StoreHistory {
  readonly open: () => Handle;
  readonly database: Handle;

  constructor(open: () => Handle) {
    const database = open();
    super([sqliteStore(database), sqliteStore(open())]);
    this.open = open;
    this.database = database;
  }
}

type Step = (history: FileHistory) => Promise<void>;

const reopen =
  (handle: number): Step =>
  async (history) => {
    history.stores[handle] = sqliteStore(history.open());
  };

const flush: Step = async (history) => {
  for (const table of ["tokens", "locks", "store"]) {
    try {
      history.database.exec(`DELETE FROM talkdesk_oauth_${table}`);
    } catch {
      // Nothing has been called yet, so there are no tables.
    }
  }
  history.noteFlush();
  // Only the clock tells numbers from those before.
  vi.advanceTimersByTime(1);
};

describe.each(drivers)("any history of a store in a database of $name", (driver) => {
  it("is what the contract says", async () => {
    const tally = { writes: 0, refusals: 0 };
    const common: fc.Arbitrary<Step> = storeSteps({
      pass: (ms) => void vi.advanceTimersByTime(ms),
      keepsExpiredFences: false,
      tally,
    });
    const step = fc.oneof(
      { weight: 32, arbitrary: common },
      { weight: 1, arbitrary: fc.nat({ max: 1 }).map(reopen) },
      { weight: 1, arbitrary: fc.constant(flush) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        using file = databaseFile(driver);
        const history = new FileHistory(() => file.open());
        for (const next of steps) await next(history);
      }),
      { numRuns: 300 },
    );
    expect(tally.writes).toBeGreaterThan(100);
    expect(tally.refusals).toBeLessThan(tally.writes / 20);
  });
});
