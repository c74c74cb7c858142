import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";
import { commandOf } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

const PACKAGES = ["core", "fetch", "login"];

/** What each job of `projects/runtimes/jobs.mjs` finds where all is well. */
const WANTED = {
  "client credentials": 200,
  "signed JWT": ["Bearer", "Bearer"],
  "user session": [true, true, 200],
  "401 replayed": [
    [200, 2, true],
    [200, 2, true],
    [200, 2, true],
  ],
  "web login": [302, 302, true, 303, false],
  "two at once": [
    [200, 200, true],
    [200, 200, true],
  ],
  abort: "ended by the caller",
};

const NODES = ["20.19.0", "20", "22.12.0", "22", "24", "26"];

/**
 * Before and after each date that mattered: listeners have no `this` before 2025-08-01, `fetch` has no `cache` before
 * 2024-11-11, and classes have no tags before 2024-09-26.
 */
const WORKERD_DATES = ["2023-03-01", "2024-10-01", "2025-07-31", "2026-04-01"];

/** @type {Readonly<Record<string, (context: Context) => Promise<string>>>} Runs all jobs, and resolves to JSON. */
const hosts = {
  ...Object.fromEntries(NODES.map((version) => [`Node ${version}`, runsIn(`node${version}`)])),
  "Bun 1.4": runsIn("bun"),
  "Deno 2.9": runsIn("deno"),
  ...Object.fromEntries(WORKERD_DATES.map((date) => [`workerd, ${date}`, runsInWorkerd(date)])),
  "Next 16, edge": runsInNext("edge"),
  "Next 16, Node": runsInNext("node"),
};

/** @type {readonly Cell[]} */
export const cells = Object.entries(hosts).flatMap(([row, host]) =>
  Object.entries(WANTED).map(([column, wanted]) => ({
    table: "Runtimes",
    row,
    column,
    async run(/** @type {Context} */ { share }) {
      const found = JSON.parse(await share(row, host));
      expectSame(found[column], wanted);
    },
  })),
);

/** @param {string} runtime */
function runsIn(runtime) {
  return async (/** @type {Context} */ { run, share }) => {
    const [command = "", ...args] = commandOf(runtime);
    const cwd = await share("runtimes", ({ install }) => install("runtimes", PACKAGES));
    return run(command, [...args, "main.mjs"], { cwd });
  };
}

/** @param {string} date */
function runsInWorkerd(date) {
  return async (/** @type {Context} */ { run, share }) => {
    const cwd = await share("workers", async ({ install, run }) => {
      const folder = await addJobs(await install("workers", PACKAGES));
      const bundle = ["worker.mjs", "--bundle", "--format=esm", "--target=es2022", "--outfile=out/worker.js"];
      await run(join(folder, "node_modules/.bin/esbuild"), bundle, { cwd: folder });
      return folder;
    });
    return run(process.execPath, ["main.mjs", date], { cwd });
  };
}

/** @param {string} folder The folder of `app` whose routes run in that runtime. */
function runsInNext(folder) {
  return async (/** @type {Context} */ { run, share }) => {
    const env = { NEXT_TELEMETRY_DISABLED: "1" };
    const cwd = await share("next", async ({ install, run }) => {
      const project = await addJobs(await install("next", PACKAGES));
      await run(process.execPath, ["node_modules/next/dist/bin/next", "build"], { cwd: project, env });
      return project;
    });
    return run(process.execPath, ["main.mjs", folder], { cwd, env });
  };
}

/** @param {string} folder */
async function addJobs(folder) {
  await copyFile(new URL("../projects/runtimes/jobs.mjs", import.meta.url), join(folder, "jobs.mjs"));
  return folder;
}
