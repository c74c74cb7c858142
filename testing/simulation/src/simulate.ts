// `npm run simulation -- --seeds 5000 --from 1`: runs many seeds and prints those that break a promise.
import { parseArgs } from "node:util";
import { runSeed } from "./run-seed.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    trace: { type: "boolean", default: false },
  },
});
const [count, from] = [Number(values.seeds), Number(values.from)];
if (!Number.isSafeInteger(count) || count < 1 || !Number.isSafeInteger(from)) {
  console.error("Usage: npm run simulation -- [--seeds COUNT] [--from SEED] [--trace]");
  process.exit(2);
}
const trace = values.trace ? (line: string) => console.log(line) : undefined;
const totals = { calls: 0, exchanges: 0, losses: 0, kills: 0, failed: 0 };
for (let seed = from; seed < from + count; seed += 1) {
  const { violations, calls, exchanges, losses, kills } = await runSeed(seed, { trace });
  totals.calls += calls;
  totals.exchanges += exchanges;
  totals.losses += losses;
  totals.kills += kills;
  if (violations.length === 0) continue;
  totals.failed += 1;
  console.error(`Seed ${seed}:\n  ${violations.join("\n  ")}`);
}
console.log(
  `${count} seeds from ${from}: ${totals.calls} calls, ${totals.exchanges} exchanges of refresh tokens, ${totals.kills} processes killed, ${totals.losses} logins lost to a fault and named; ${totals.failed} seeds broke a promise.`,
);
process.exitCode = totals.failed === 0 ? 0 : 1;
