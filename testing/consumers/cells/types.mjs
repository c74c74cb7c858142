import { join } from "node:path";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

/** The oldest TypeScript that the packages promise to work with, and the newest. */
const TYPESCRIPTS = ["5.4.5", "7.0.2"];

const WEB = {
  project: "types-web",
  packages: ["core", "fetch", "login", "hono"],
  others: ["hono@4.13.19", "@cloudflare/workers-types@5.20261117.1"],
  since: 0,
};

/** @param {string} version A version of `@types/node`. */
const node = (version) => ({
  project: "types-node",
  packages: [
    ...["core", "fetch", "login", "axios", "undici", "redis", "sqlite"],
    ...["express", "fastify", "emulator", "conformance"],
  ],
  others: [
    `@types/node@${version}`,
    ...["axios@1.21.1", "undici@7.30.2", "redis@6.3.1", "libsql@0.5.29", "fastify@5.12.8"],
    ...["express@5.3.0", "@types/express@5.0.6", "vitest@4.1.12"],
  ],
});

/**
 * Whose types a program is checked with. `skipLibCheck` is off, so the types of the packages are checked too; but not with a
 * TypeScript older than `since`, which is the oldest that can read the types of a framework or a client.
 */
const SURROUNDINGS = [
  { row: "the DOM", ...WEB, config: "dom" },
  { row: "a web worker", ...WEB, config: "webworker" },
  { row: "Cloudflare's types", ...WEB, config: "cloudflare" },
  { row: "the DOM, and Cloudflare's types of bindings", ...WEB, config: "bindings" },
  { row: "Hono, with the DOM", ...WEB, config: "hono", since: 5.7 },
  { row: "Hono, with Cloudflare's types", ...WEB, config: "hono-on-cloudflare", since: 5.7 },
  ...[
    { major: 20, version: "20.19.43", since: 0 },
    { major: 26, version: "26.6.6", since: 5.6 },
  ].flatMap(({ major, version, since }) => [
    { row: `Node ${major}: clients, stores, the emulator`, ...node(version), config: "clients", since },
    { row: `Node ${major}: Express`, ...node(version), config: "express", since },
    { row: `Node ${major}: Fastify`, ...node(version), config: "fastify", since },
    { row: `Node ${major}: the suites`, ...node(version), config: "suites", since },
  ]),
];

/** @type {readonly Cell[]} */
export const cells = SURROUNDINGS.flatMap(({ row, project, packages, others, config, since }) =>
  TYPESCRIPTS.map((version) => ({
    table: "Types without `skipLibCheck`",
    row,
    column: `TypeScript ${Number.parseFloat(version)}`,
    async run(/** @type {Context} */ { share, run }) {
      const cwd = await share([project, ...others].join(" "), (shared) =>
        shared.install(project, packages, others),
      );
      const compiler = await share(`typescript ${version}`, (shared) =>
        shared.install("types-web", [], [`typescript@${version}`]),
      );
      const tsc = join(compiler, "node_modules/typescript/bin/tsc");
      const tolerance = Number.parseFloat(version) < since ? ["--skipLibCheck"] : [];
      await run(process.execPath, [tsc, "-p", `tsconfig.${config}.json`, ...tolerance], { cwd });
    },
  })),
);
