// `npm test`: lint, types, suites, build and packages on the Node at hand. It changes nothing on the machine.
import { existsSync, readdirSync } from "node:fs";
import { findBrowser } from "./browser.mjs";
import { findRedisServer } from "./redis-server.mjs";
import { startTestRun } from "./test-run.mjs";
import { record, recordInstall, recordTask, recordTool, root, run } from "./workspace.mjs";

const { check, suites, note, end } = startTestRun("test");

/** What changesets are compared with: `main`, or nothing, where a clone has no branch of that name. */
function since() {
  const hasMain = run("git", ["rev-parse", "--quiet", "--verify", "main"], { stdio: "ignore" });
  return hasMain ? [] : ["--since=HEAD"];
}

/** Checks the packages as they lie there; `npm run test:everywhere` packs them, and checks the tarballs. */
async function checkShapes() {
  const results = [];
  for (const name of readdirSync(`${root}/packages`)) {
    results.push(await recordTool("publint", "run", `packages/${name}`, "--strict", "--pack", "false"));
  }
  return {
    isOk: results.every(({ isOk }) => isOk),
    output: results.map(({ isOk, output }) => (isOk ? "" : output)).join(""),
  };
}

if (await check("install", recordInstall)) {
  // Packages wait for each other's build, which leaves time on a core.
  const [, isBuilt] = await Promise.all([
    check("lint and format (biome)", () => recordTool("biome", "ci", "--error-on-warnings")),
    check("build (tsdown)", () => recordTask("build")),
  ]);
  if (isBuilt) {
    await check("types, on sources and on the build (tsc)", () =>
      record(process.execPath, ["scripts/check-types.mjs"]),
    );
    // Each of these uses one core.
    await Promise.all([
      check("package shape (publint)", checkShapes),
      check("public surface (api-extractor)", () => record(process.execPath, ["scripts/api-reports.mjs"])),
      check("docstrings (typedoc)", () => record(process.execPath, ["scripts/reference.mjs", "--check"])),
      check("unused code and dependencies (knip)", () => recordTool("knip")),
      check("one version of everything (sherif)", () => recordTool("sherif")),
      existsSync(`${root}/.git`) && check("changesets", () => recordTool("changeset", "status", ...since())),
    ]);
    await suites("tests on the sources", ["--config=vitest.config.ts", "--project=!long"]);
    await suites("tests of the build", ["--config=vitest.dist.config.ts", "--project=build"]);
  }
}

if (findBrowser() === undefined) note("The tests in a browser were skipped: run `npm run setup`.");
if (findRedisServer() === undefined) note("The tests with a Redis server were skipped: run `npm run setup`.");
end();
