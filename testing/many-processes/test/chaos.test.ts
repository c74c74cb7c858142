import { findRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { describe, it } from "vitest";
import { runChaos } from "../src/run-chaos.js";

/** One that takes this long, in seconds, until its last stopped process has continued. */
const SHORT = { seconds: 4, sessions: 16, timeoutMs: 2_000 };

const stores = [
  { store: "sqlite", isHere: true },
  { store: "redis", isHere: findRedisServer() !== undefined },
] as const;

describe.concurrent.each(stores)(
  "8 processes on one store ($store) that are killed, stopped and cut off",
  (tested) => {
    it.skipIf(!tested.isHere)("lose no refresh token without a reason", async ({ expect }) => {
      const result = await runChaos({ ...SHORT, seed: 7, store: tested.store });
      expect(result.violations).toEqual([]);
      const { kills, stops, storeFaults, lostAnswers, lateAnswers, cutRequests, logouts } = result;
      const happened = { kills, stops, storeFaults, lostAnswers, lateAnswers, cutRequests, logouts };
      for (const [name, count] of Object.entries(happened)) expect(count, name).toBeGreaterThan(0);
      expect(result.refreshes).toBeGreaterThan(0);
      expect(result.tokens.lost).toBeGreaterThan(0);
    });
  },
);
