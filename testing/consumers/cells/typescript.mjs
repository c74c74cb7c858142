import { join } from "node:path";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** Every minor version since the oldest that the packages promise to work with; `projects/typescript` installs them. */
const VERSIONS = ["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6.0", "7.0"];

const PACKAGES = [
  ...["core", "fetch", "axios", "undici", "login", "express", "hono", "fastify"],
  ...["sqlite", "redis", "emulator", "conformance"],
];

/** How a user's project is compiled: the folder of its sources, and the options that differ. */
const MODES = [
  { column: "`node16`, ES modules", folder: "modules", options: () => ["--module", "node16"] },
  { column: "`node16`, CommonJS", folder: "commonjs", options: () => ["--module", "node16"] },
  { column: "`nodenext`, both", folder: ".", options: () => ["--module", "nodenext"] },
  {
    column: "`bundler`",
    folder: "modules",
    options: () => ["--module", "esnext", "--moduleResolution", "bundler"],
  },
  { column: "`commonjs`", folder: "commonjs", options: commonjsOptions },
];

/** @type {readonly Cell[]} */
export const cells = VERSIONS.flatMap((version) =>
  MODES.map(({ column, folder, options }) => ({
    table: "TypeScript",
    row: `TypeScript ${version}`,
    column,
    async run(/** @type {Context} */ { share, run }) {
      const cwd = await share("typescript", (shared) => shared.install("typescript", PACKAGES));
      const tsc = join(cwd, `node_modules/typescript-${version}/bin/tsc`);
      await run(process.execPath, [tsc, "-p", folder, ...options(version)], { cwd });
    },
  })),
);

/**
 * The resolution of old, which reads `main` and `types` of a package. TypeScript 7 has it no more; what takes its place for
 * CommonJS is `bundler`.
 * @param {string} version
 */
function commonjsOptions(version) {
  const resolution = version === "7.0" ? "bundler" : "node10";
  const deprecated = version === "6.0" ? ["--ignoreDeprecations", "6.0"] : [];
  return ["--module", "commonjs", "--moduleResolution", resolution, ...deprecated];
}
