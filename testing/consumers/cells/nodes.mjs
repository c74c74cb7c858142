import { expectSame } from "../frame/cell.mjs";
import { findRuntime } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** The oldest versions that the packages promise to run on, and the newest of each major. */
const NODES = ["20.19.0", "20", "22.12.0", "22", "24", "26"];

/** What is tried: the project in `projects`, its program, and what the program prints. */
const SCRIPTS = [
  { column: "ES modules", project: "esm", program: "main.mjs", wanted: "200 true source_closed" },
  { column: "CommonJS", project: "cjs", program: "main.cjs", wanted: "200 true source_closed" },
  {
    column: "both in one process",
    project: "both-formats",
    program: "main.mjs",
    wanted: "true\ntrue true 16\n200 true\ntrue source_closed",
  },
];

/** @type {readonly Cell[]} */
export const cells = NODES.flatMap((version) =>
  SCRIPTS.map(({ column, project, program, wanted }) => ({
    table: "Node",
    row: `Node ${version}`,
    column,
    async run(/** @type {Context} */ { share, run }) {
      const node = findRuntime(`node${version}`);
      const cwd = await share(project, (shared) => shared.install(project, ["core", "fetch"]));
      expectSame(await run(node, [program], { cwd }), wanted);
    },
  })),
);
