// `npm test`: everything that must hold, from lint to other versions of Node. The last line counts tests and checks.
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { provideBrowser } from "./browser.mjs";
import { provideRedisServer } from "./redis-server.mjs";
import { install, pnpm, root, run } from "./workspace.mjs";

const reports = `${root}/reports`;
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports);

const counts = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
/** What whoever reads the result has to know. */
const notes = [];

/**
 * One check: counts as one test.
 * @param {string} name
 * @param {() => boolean} work
 */
function check(name, work) {
  const startedAt = performance.now();
  console.log(`\n── ${name}`);
  const isOk = work();
  counts[isOk ? "passed" : "failed"] += 1;
  if (!isOk) failures.push(name);
  console.log(
    `── ${name}: ${isOk ? "ok" : "FAILED"}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s`,
  );
  return isOk;
}

/**
 * One run of the suites: counts as the tests in it.
 * @param {string} name
 * @param {string} config
 * @param {string} [node] The Node to run it with.
 * @param {string[]} [only] What to run; default all.
 */
function suites(name, config, node = process.execPath, only = []) {
  console.log(`\n── ${name}`);
  const report = `${reports}/${name.replaceAll(" ", "-")}.json`;
  const isOk = run(node, [
    `${root}/node_modules/vitest/vitest.mjs`,
    "run",
    ...only,
    `--config=${config}`,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
  ]);
  const result = existsSync(report) ? JSON.parse(readFileSync(report, "utf8")) : undefined;
  const failed = result?.numFailedTests ?? 0;
  counts.passed += result?.numPassedTests ?? 0;
  counts.skipped += (result?.numPendingTests ?? 0) + (result?.numTodoTests ?? 0);
  // A run that fails without a failed test (a file that does not load, an unhandled rejection) failed all the same.
  counts.failed += isOk ? failed : Math.max(1, failed);
  if (!isOk) failures.push(name);
}

/** What changesets are compared with: `main`, or nothing, where a clone has no branch of that name. */
function since() {
  const hasMain = run("git", ["rev-parse", "--quiet", "--verify", "main"], { stdio: "ignore" });
  return hasMain ? [] : ["--since=HEAD"];
}

/** @param {string} bin @param {string[]} args */
const tool = (bin, ...args) => pnpm(["exec", bin, ...args]);

if (check("install", () => install())) {
  check("lint and format (biome)", () => tool("biome", "ci", "--error-on-warnings"));
  const isBuilt = check("build (tsdown)", () => tool("turbo", "run", "build", "--output-logs=errors-only"));
  if (isBuilt) {
    check("types, on sources and on the build (tsc)", () =>
      tool("turbo", "run", "check:types", "--output-logs=errors-only"),
    );
    check("package shape (publint, attw)", () =>
      tool("turbo", "run", "check:pack", "--output-logs=errors-only", "--concurrency=2"),
    );
    check("unused code and dependencies (knip)", () => tool("knip"));
    check("one version of everything (sherif)", () => tool("sherif"));
    if (existsSync(`${root}/.git`)) check("changesets", () => tool("changeset", "status", ...since()));
    const noBrowser = provideBrowser();
    if (noBrowser !== undefined) notes.push(`The tests in a browser count as skipped: ${noBrowser}.`);
    const noRedis = provideRedisServer();
    if (noRedis !== undefined) notes.push(`The tests with a Redis server count as skipped: ${noRedis}.`);
    suites("tests on the sources", "vitest.config.ts");
    suites("tests on the build", "vitest.dist.config.ts");
    for (const major of [22, 24, 26]) {
      const node = `${root}/testing/node-versions/node_modules/node${major}/bin/node`;
      if (existsSync(node))
        suites(`packages, on the build, Node ${major}`, "vitest.dist.config.ts", node, ["packages/"]);
      else console.log(`\n── Node ${major} is not to be had for this platform; its run is left out.`);
    }
  }
}

for (const note of notes) console.log(`\n${note}`);
console.log(failures.length === 0 ? "\nEverything holds." : `\nFailed: ${failures.join("; ")}.`);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
