// `.ci/run`: the setup, then both test commands; what failed in them, and the sum of their counts as the last line.
import { formatCounts, listFailures, readResult, sumCounts } from "./test-report.mjs";
import { findResult, forgetResult } from "./test-run.mjs";
import { run } from "./workspace.mjs";

run("npm", ["run", "setup"]);

const results = [];
for (const name of ["test", "test:everywhere"]) {
  const reports = name.replace(":", "-");
  forgetResult(reports);
  const isOk = run("npm", ["run", name]);
  results.push(readResult(`npm run ${name}`, findResult(reports), isOk));
}

const failures = results.flatMap((result) => result.failures);
console.log(failures.length === 0 ? "\nEverything holds." : `\nWhat failed:\n${listFailures(failures)}`);
const sum = sumCounts(results.map((result) => result.counts));
console.log(formatCounts(sum));
process.exitCode = sum.failed === 0 ? 0 : 1;
