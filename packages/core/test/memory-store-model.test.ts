import { memoryStore } from "@talkdesk-oauth/core";
import { StoreHistory, storeSteps } from "@talkdesk-oauth/fixtures/store-history";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date", "performance"] }));
afterEach(() => void vi.useRealTimers());

describe("any history of a memoryStore", () => {
  it("is what the contract says", async () => {
    const tally = { writes: 0, refusals: 0 };
    const step = storeSteps({
      pass: (ms) => void vi.advanceTimersByTime(ms),
      keepsExpiredFences: true,
      tally,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: "max" }), async (steps) => {
        const history = new StoreHistory([memoryStore()]);
        for (const next of steps) await next(history);
      }),
      { numRuns: 2_000 },
    );
    expect(tally.refusals).toBeLessThan(tally.writes / 50);
  });
});
