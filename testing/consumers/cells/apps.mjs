import { copyFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** Nobody, a login, a page with a call of the API, a logout, and nobody again: in Hono and in Fastify. */
const LOGINS = "401 302 302 200 200 303 401\n401 302 302 200 200 303 401";

/** @type {readonly { row: string, try: (context: Context) => Promise<void> }[]} */
const APPS = [
  { row: "Hono and Fastify, over SQLite, in both formats", try: tryFrameworks },
  { row: "Express 5, with NodeNext modules", try: (context) => tryExpress(context, "ts-nodenext") },
  {
    row: "Express 4, with CommonJS and the resolution of old",
    try: (context) => tryExpress(context, "ts-commonjs"),
  },
];

/** @type {readonly Cell[]} */
export const cells = APPS.map((app) => ({
  table: "Apps in TypeScript",
  row: app.row,
  column: "type-checked and run",
  run: app.try,
}));

/** @param {Context} context */
async function tryFrameworks({ install, run, workspace }) {
  const cwd = await install("frameworks", ["core", "fetch", "login", "hono", "fastify", "sqlite"]);
  expectSame((await findCores(cwd)).length, 1);
  await copyFile(join(cwd, "logins.mts"), join(cwd, "logins.cts"));
  await run(process.execPath, [tscOf(workspace), "-p", "."], { cwd });
  for (const built of ["out/logins.mjs", "out/logins.cjs"]) {
    expectSame(await run(process.execPath, [built], { cwd }), LOGINS);
  }
}

/**
 * @param {Context} context
 * @param {string} project
 */
async function tryExpress({ install, run, workspace }, project) {
  const cwd = await install(project, ["core", "fetch", "login", "express"]);
  expectSame((await findCores(cwd)).length, 1);
  await run(process.execPath, [tscOf(workspace), "-p", "."], { cwd });
  expectSame(await run(process.execPath, ["out/main.js"], { cwd }), "200 true source_closed");
  // A token for a handler, a demanded and a started login, and the response to a closed source.
  expectSame(await run(process.execPath, ["out/app.js"], { cwd }), "200 401 302 401");
}

/** @param {string} workspace */
const tscOf = (workspace) => join(workspace, "node_modules/typescript/bin/tsc");

/**
 * The folders of a project in which a copy of core is installed.
 * @param {string} folder
 */
async function findCores(folder) {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /@talkdesk-oauth.core.package\.json$/.test(file));
}
