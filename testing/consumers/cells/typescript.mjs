import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** Every minor version since the oldest that the packages promise to work with; `projects/typescript` installs them. */
const VERSIONS = ["5.4", "5.5", "5.6", "5.7", "5.8", "5.9", "6.0", "7.0"];

const PACKAGES = [
  ...["core", "fetch", "axios", "undici", "login", "express", "hono", "fastify"],
  ...["sqlite", "redis", "emulator", "conformance"],
];

/**
 * How a user's project is compiled: the folder of its sources, and the options that differ. TypeScript 7 has no resolution
 * `node10`, which reads `main` and `types` of a package; what takes its place for CommonJS is `bundler`.
 */
const MODES = [
  { column: "`node16`, ES modules", folder: "modules", optionsOf: () => ({ module: "node16" }) },
  { column: "`node16`, CommonJS", folder: "commonjs", optionsOf: () => ({ module: "node16" }) },
  { column: "`nodenext`, both", folder: ".", optionsOf: () => ({ module: "nodenext" }) },
  {
    column: "`bundler`",
    folder: "modules",
    optionsOf: () => ({ module: "esnext", moduleResolution: "bundler" }),
  },
  {
    column: "`commonjs`",
    folder: "commonjs",
    optionsOf: (/** @type {string} */ version) => ({
      module: "commonjs",
      moduleResolution: version === "7.0" ? "bundler" : "node10",
      ...(version === "6.0" && { ignoreDeprecations: "6.0" }),
    }),
  },
];

/** @type {readonly Cell[]} */
export const cells = VERSIONS.flatMap((version) =>
  MODES.map((mode, index) => ({
    table: "TypeScript",
    row: `TypeScript ${version}`,
    column: mode.column,
    async run(/** @type {Context} */ context) {
      if (version === "7.0") return compile(context, version, mode);
      const faults = await context.share(`TypeScript ${version}`, (shared) => checkAllModes(shared, version));
      expectSame(faults[index], []);
    },
  })),
);

/** @param {Context} context */
const install = ({ share }) => share("typescript", (shared) => shared.install("typescript", PACKAGES));

/**
 * Checks all modes in one process, and resolves to what is wrong in each.
 * @param {Context} context
 * @param {string} version
 * @returns {Promise<readonly string[][]>}
 */
async function checkAllModes(context, version) {
  const cwd = await install(context);
  const modes = MODES.map(({ folder, optionsOf }) => ({ folder, options: optionsOf(version) }));
  return JSON.parse(
    await context.run(process.execPath, ["check.cjs", version, JSON.stringify(modes)], { cwd }),
  );
}

/**
 * Checks one mode with the command, which is all that TypeScript 7 has.
 * @param {Context} context
 * @param {string} version
 * @param {(typeof MODES)[number]} mode
 */
async function compile(context, version, { folder, optionsOf }) {
  const cwd = await install(context);
  const tsc = join(cwd, `node_modules/typescript-${version}/bin/tsc`);
  const options = Object.entries(optionsOf(version)).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await context.run(process.execPath, [tsc, "-p", folder, ...options], { cwd });
}
