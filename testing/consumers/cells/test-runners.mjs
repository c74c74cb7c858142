import { findRuntime } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** @type {readonly Cell[]} */
export const cells = [
  ...["29.7.0", "30.5.2"].flatMap((version) => [
    {
      table: "Test runners",
      row: `Jest ${major(version)}`,
      column: "CommonJS",
      // As it comes: its own choice of files, and no flag of Node's.
      run: (/** @type {Context} */ context) =>
        runTests(context, "jest", `jest@${version}`, ["node_modules/jest/bin/jest.js"], "6 passed, 6 total"),
    },
    {
      table: "Test runners",
      row: `Jest ${major(version)}`,
      column: "ES modules",
      run: (/** @type {Context} */ context) => {
        const jest = ["--experimental-vm-modules", "node_modules/jest/bin/jest.js"];
        const args = [...jest, "--testMatch", "**/modules.test.mjs"];
        return runTests(context, "test-runners", `jest@${version}`, args, "1 passed, 1 total");
      },
    },
  ]),
  ...[
    { column: "CommonJS", file: "commonjs-in-vitest.test.mjs" },
    { column: "ES modules", file: "modules.test.mjs" },
  ].flatMap(({ column, file }) =>
    ["3.2.7", "4.1.12", "5.1.2"].map((version) => ({
      table: "Test runners",
      row: `Vitest ${major(version)}`,
      column,
      run: (/** @type {Context} */ context) => runVitest(context, version, ["--globals", file]),
    })),
  ),
  ...[
    { column: "CommonJS", file: "commonjs.test.cjs" },
    { column: "ES modules", file: "modules.test.mjs" },
  ].map(({ column, file }) => ({
    table: "Test runners",
    row: "Mocha 11",
    column,
    run: (/** @type {Context} */ context) => {
      const args = ["node_modules/mocha/bin/mocha.js", "--timeout", "60000", file];
      return runTests(context, "test-runners", "mocha@11.8.0", args, "1 passing");
    },
  })),
  ...["3.2.7", "4.1.12", "5.1.2"].flatMap((version) =>
    ["adapter", "store"].map((suite) => ({
      table: "The suites of conformance",
      row: `Vitest ${major(version)}`,
      column: suite === "store" ? "a store" : "an adapter",
      run: (/** @type {Context} */ context) => runVitest(context, version, [`${suite}.test.mjs`]),
    })),
  ),
];

/** @param {string} version */
function major(version) {
  return version.split(".")[0];
}

/**
 * @param {Context} context
 * @param {string} version
 * @param {readonly string[]} args
 */
function runVitest(context, version, args) {
  // Vitest 5 does not run on Node 20.
  const node = Number(major(version)) < 5 ? process.execPath : findRuntime("node24");
  const timeouts = ["--testTimeout=120000", "--hookTimeout=120000"];
  const command = ["node_modules/vitest/vitest.mjs", "run", "--reporter=dot", ...timeouts, ...args];
  return runTests(context, "test-runners", `vitest@${version}`, command, "Test Files  1 passed", node);
}

/**
 * Runs tests in an installation that the cells of one version share.
 * @param {Context} context
 * @param {string} project
 * @param {string} runner The package to install, such as `jest@30.5.2`.
 * @param {readonly string[]} args
 * @param {string} wanted What the output must contain.
 * @param {string} [node]
 */
async function runTests({ share, run }, project, runner, args, wanted, node = process.execPath) {
  const packages = ["core", "fetch", "emulator", ...(runner.startsWith("vitest") ? ["conformance"] : [])];
  const cwd = await share(`${project}, ${runner}`, ({ install }) => install(project, packages, [runner]));
  const said = await run(node, args, { cwd });
  if (!said.includes(wanted)) throw new Error(`The output does not contain "${wanted}":\n${said}`);
}
