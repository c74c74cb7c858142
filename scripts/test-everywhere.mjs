// `npm run test:everywhere`: the packages on each runtime and tool that they promise to work with, as tables. Counts tests
// of suites, and cells of tables. `--only TEXT` runs the cells whose names contain the text, and no suites; `--write` writes
// the tables whose cells all ran into README.md and docs/runtimes.md.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { startTestRun } from "./test-run.mjs";
import { record, recordInstall, recordTask, root } from "./workspace.mjs";

/** The files with tables. */
const PAGES = ["README.md", "docs/runtimes.md"];

const onBuild = ["--config=vitest.dist.config.ts"];

const { values: options } = parseArgs({
  options: { only: { type: "string" }, write: { type: "boolean", default: false } },
});
const { check, suites, cells: countCells, note, end } = startTestRun("test-everywhere");

const isReady =
  (await check("install", recordInstall)) && (await check("build (tsdown)", () => recordTask("build")));

if (isReady) {
  if (options.only === undefined) await runSuites();
  await runTables();
}
end();

async function runSuites() {
  await check("package shape (publint, attw)", () => recordTask("check:pack"));
  await check("types of the sources, with the TypeScript that builds", () =>
    record(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "scripts/tsconfig.sources.json"]),
  );
  await suites("long suites of apps", ["apps/", "--config=vitest.config.ts", "--project=long"]);
  await suites("apps and long suites, on the build", [...onBuild, "--project=apps", "--project=long"]);
  for (const major of [20, 22, 24, 26]) {
    const installed = `${root}/testing/node-versions/node_modules/node${major}/bin/node`;
    const node = major === Number(process.versions.node.split(".")[0]) ? process.execPath : installed;
    if (existsSync(node)) {
      await suites(`packages on Node ${major}`, [...onBuild, "--project=packages*"], node);
    } else note(`Node ${major} is not to be had for this platform; its run was left out.`);
  }
  const bun = `${root}/testing/node-versions/node_modules/bun/bin/bun`;
  if (existsSync(bun)) {
    const inBun = [...onBuild, "--project=packages", "packages/fetch", "packages/login"];
    await suites("fetch and login in Bun", inBun, bun);
  } else note("Bun is not to be had for this platform; its run was left out.");
}

async function runTables() {
  // The frame imports packages, which are built by now.
  const { loadCells } = await import("../testing/consumers/frame/load-cells.mjs");
  const { nameOf } = await import("../testing/consumers/frame/cell.mjs");
  const { runCells } = await import("../testing/consumers/frame/run-cells.mjs");
  const { drawTable, fillTables, tablesOf } = await import("../testing/consumers/frame/tables.mjs");

  const all = await loadCells();
  const wanted = (options.only ?? "").toLowerCase();
  const cells = all.filter((cell) => nameOf(cell).toLowerCase().includes(wanted));
  const signs = { passed: "✓", failed: "✗", skipped: "–" };
  const outcomes = [];
  await countCells(`${cells.length} cells`, () =>
    runCells(cells, (outcome) => {
      outcomes.push(outcome);
      const { cell, result, seconds } = outcome;
      console.log(`${signs[result]} ${nameOf(cell)}, ${seconds.toFixed(1)} s`);
    }),
  );
  for (const { cell, result, detail } of outcomes) {
    if (result === "skipped") note(`– ${nameOf(cell)}: ${detail}.`);
  }

  const resultOf = (cell) => outcomes.find((outcome) => outcome.cell === cell)?.result;
  for (const table of tablesOf(cells)) console.log(`\n${table.title}\n\n${drawTable(table, resultOf)}`);
  if (!options.write) return;
  for (const page of PAGES) {
    const path = `${root}/${page}`;
    writeFileSync(path, fillTables(readFileSync(path, "utf8"), all, resultOf));
  }
}
