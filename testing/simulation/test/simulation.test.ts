import { describe, expect, it } from "vitest";
import { PLANTED_BUGS } from "../src/planted-bugs.js";
import { type Outcome, runSeed } from "../src/run-seed.js";

/** `npm run simulation -- --seeds 5000` runs more, and `--seeds 1 --from SEED --trace` shows one. */
const SEEDS = 80;

describe("processes that share sessions over one store", () => {
  const outcomes: Outcome[] = [];

  it(`keep their promises under the faults of ${SEEDS} seeds`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) outcomes.push(await runSeed(seed));
    const broken = outcomes.filter(({ violations }) => violations.length > 0);
    expect(broken.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  });

  it("meet what the seeds are for", () => {
    const sum = (count: (outcome: Outcome) => number): number =>
      outcomes.reduce((total, outcome) => total + count(outcome), 0);
    expect(sum(({ exchanges }) => exchanges)).toBeGreaterThan(5 * SEEDS);
    expect(sum(({ kills }) => kills)).toBeGreaterThan(SEEDS);
    expect(sum(({ losses }) => losses)).toBeGreaterThan(0);
  });

  it("do the same again for the same seed", async () => {
    const trace = async (): Promise<string[]> => {
      const lines: string[] = [];
      await runSeed(7, { trace: (line) => lines.push(line) });
      return lines;
    };
    expect(await trace()).toEqual(await trace());
  });
});

describe("the simulation finds", () => {
  it.each(Object.entries(PLANTED_BUGS))("%s", async (_name, sabotage) => {
    for (let seed = 1; seed <= 500; seed += 1) {
      const { violations } = await runSeed(seed, { sabotage });
      if (violations.length > 0) return;
    }
    expect.fail("500 seeds have not found it.");
  });
});
