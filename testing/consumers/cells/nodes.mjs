import { expectSame } from "../frame/cell.mjs";
import { findRuntime } from "../frame/runtimes.mjs";
import { installPackages } from "./packages.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** The oldest versions that the packages promise to run on, and the newest of each major. */
const NODES = ["20.19.0", "20", "22.12.0", "22", "24", "26"];

/** Calls by each adapter, tokens in each store, a page and a login of each framework, and an error, from either side. */
const BETWEEN_FORMATS = [
  "200 200 200",
  "true true",
  "401 302 401 302 401 302",
  "200 true true source_closed",
];

/** @param {string} project */
const installScript =
  (project) =>
  (/** @type {Context} */ { share }) =>
    share(project, ({ install }) => install(project, ["core", "fetch"]));

/** What is tried: an installation, its program, and what the program prints. */
const SCRIPTS = [
  {
    column: "ES modules",
    install: installScript("esm"),
    program: "main.mjs",
    wanted: "200 true source_closed",
  },
  {
    column: "CommonJS",
    install: installScript("cjs"),
    program: "main.cjs",
    wanted: "200 true source_closed",
  },
  {
    column: "both in one process",
    install: installPackages,
    program: "both-formats.mjs",
    wanted: ["true", ...BETWEEN_FORMATS, ...BETWEEN_FORMATS].join("\n"),
  },
];

/** @type {readonly Cell[]} */
export const cells = NODES.flatMap((version) =>
  SCRIPTS.map(({ column, install, program, wanted }) => ({
    table: "Node",
    row: `Node ${version}`,
    column,
    async run(/** @type {Context} */ context) {
      const node = findRuntime(`node${version}`);
      expectSame(await context.run(node, [program], { cwd: await install(context) }), wanted);
    },
  })),
);
