import { appendFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { ledgerHead, ledgerRow } from "./ledger-table.js";
import { runChaos } from "./run-chaos.js";

const USAGE = `npm run chaos -- [--seed 1] [--seeds 1] [--seconds 60] [--store sqlite|redis]

  --seed      the first seed
  --seeds     how many seeds, one after the other
  --seconds   how long mishaps begin in each run
  --store     sqlite (a file), or redis (a server that the run starts)
  --append    a file to which the table is written as well
  --evidence  a file for all that was recorded in the last run with violations, as JSON
`;

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    seconds: { type: "string", default: "60" },
    store: { type: "string", default: "sqlite" },
    append: { type: "string" },
    evidence: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
const [seed, seeds, seconds] = [values.seed, values.seeds, values.seconds].map(Number);
const { store } = values;

function print(line: string): void {
  console.log(line);
  if (values.append !== undefined) appendFileSync(values.append, `${line}\n`);
}

if (
  values.help ||
  !isCount(seed) ||
  !isCount(seeds) ||
  !isCount(seconds) ||
  (store !== "sqlite" && store !== "redis")
) {
  console.log(USAGE);
  process.exitCode = values.help ? 0 : 2;
} else {
  print(ledgerHead());
  for (let index = 0; index < seeds; index += 1) {
    const result = await runChaos({ seed: seed + index, seconds, store, evidenceFile: values.evidence });
    print(ledgerRow(store, result));
    // The first ones say what is wrong; the number of all is in the table.
    for (const violation of result.violations.slice(0, 20)) print(`  violation: ${violation}`);
    if (result.violations.length > 0) process.exitCode = 1;
  }
}

function isCount(value: number | undefined): value is number {
  return Number.isInteger(value) && (value as number) > 0;
}
