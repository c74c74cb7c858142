import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

const BUNDLERS = {
  esbuild: "esbuild 0.28",
  rollup: "Rollup 4",
  rolldown: "Rolldown 1",
  vite: "Vite 8, for a server",
  webpack: "webpack 5",
  rspack: "Rspack 2",
};

/** Two calls, a login with its claims, and a login with its session, its end and its call. */
const SAID_BY_APP = "200 200 Bearer true 302 302 200";

/** In bytes, without minification; esbuild's is 6.6 KB, of which 1 KB is its own. All of core has 190 KB. */
const MAX_SIZE_OF_ONE_NAME = 10_000;

/** Words of functions that the URL of an endpoint does not need. Some bundlers keep the tables beside them. */
const LEFT_OUT = /AES-GCM|no-store/;

/** @type {readonly Cell[]} */
export const cells = Object.entries(BUNDLERS).flatMap(([bundler, row]) => [
  ...["esm", "cjs"].map((format) => ({
    table: "Bundlers",
    row,
    column: format === "esm" ? "ES modules" : "CommonJS",
    async run(/** @type {Context} */ context) {
      const { said } = await bundle(context, bundler, "app", format);
      expectSame(said, SAID_BY_APP);
    },
  })),
  {
    table: "Bundlers",
    row,
    column: "only what is imported",
    async run(context) {
      const { said, code } = await bundle(context, bundler, "one-name", "esm");
      expectSame(said, "https://acme.talkdeskid.eu/oauth/token");
      expectSame({ leftOver: code.match(LEFT_OUT)?.[0] }, {});
      if (code.length > MAX_SIZE_OF_ONE_NAME) throw new Error(`The bundle has ${code.length} bytes.`);
    },
  },
]);

/**
 * Bundles a program without a warning, and runs the bundle.
 * @param {Context} context
 * @param {string} bundler
 * @param {string} entry
 * @param {string} format
 */
async function bundle({ share, run }, bundler, entry, format) {
  const cwd = await share("bundlers", ({ install }) =>
    install("bundlers", ["core", "fetch", "login", "axios"]),
  );
  expectSame(await run(process.execPath, ["build.mjs", bundler, entry, format], { cwd }), "");
  const file = join(cwd, `out/${bundler}-${entry}.${format === "esm" ? "mjs" : "cjs"}`);
  return { said: await run(process.execPath, [file], { cwd }), code: await readFile(file, "utf8") };
}
