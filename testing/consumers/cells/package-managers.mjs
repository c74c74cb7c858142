import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expectSame } from "../frame/cell.mjs";
import { findRuntime } from "../frame/runtimes.mjs";

/** @import { Cell } from "../frame/cell.mjs" */
/** @import { Context } from "../frame/context.mjs" */

const PACKAGES = ["core", "fetch", "login", "express"];
const YARN = ["--yes", "--package=@yarnpkg/cli-dist@4.18.1", "yarn"];

/**
 * A package manager: how it installs, and how it runs a program.
 * @typedef {object} Manager
 * @property {string} row
 * @property {(install: (command: string, args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<string>) => Promise<unknown>} install
 * @property {readonly [string, ...string[]]} [node] Default: this Node.
 */

/** @type {readonly Manager[]} */
const MANAGERS = [
  { row: "npm", install: (install) => install("npm", ["install", "--no-audit", "--no-fund"]) },
  {
    row: "pnpm 10",
    install: (install) =>
      install("npx", ["--yes", "pnpm@10.34.9", "install", "--ignore-workspace", "--no-frozen-lockfile"]),
  },
  { row: "Yarn 4, node_modules", install: (install) => installWithYarn(install, "node-modules") },
  {
    row: "Yarn 4, Plug'n'Play",
    install: (install) => installWithYarn(install, "pnp"),
    node: ["npx", ...YARN, "node"],
  },
  { row: "Bun", install: (install) => install(findRuntime("bun", "bin/bun"), ["install", "--no-progress"]) },
];

/** @type {readonly Cell[]} */
export const cells = MANAGERS.map(({ row, install, node = [process.execPath] }) => ({
  table: "Package managers",
  row,
  column: "a call and a login",
  async run({ folder, tarball, run }) {
    await cp(new URL("../projects/package-managers", import.meta.url), folder, { recursive: true });
    await nameTarballs(folder, tarball);
    await install((command, args, env = {}) => run(command, args, { cwd: folder, env }));
    const [command, ...args] = node;
    expectSame(await run(command, [...args, "main.mjs"], { cwd: folder }), "200 401 true true source_closed");
  },
}));

/**
 * Has the project depend on the packed packages. They depend on each other by versions that no registry has yet, so each
 * manager is told in its own words to take the same files for those.
 * @param {string} folder
 * @param {Context["tarball"]} tarball
 */
async function nameTarballs(folder, tarball) {
  const file = join(folder, "package.json");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  const files = Object.fromEntries(
    PACKAGES.map((name) => [`@talkdesk-oauth/${name}`, `file:${tarball(name)}`]),
  );
  Object.assign(manifest.dependencies, files);
  Object.assign(manifest, { overrides: files, resolutions: files, pnpm: { overrides: files } });
  await writeFile(file, JSON.stringify(manifest, undefined, 2));
}

/**
 * Yarn has settings of its own, so it is given the registry that npm uses.
 * @param {Parameters<Manager["install"]>[0]} install
 * @param {"node-modules" | "pnp"} linker
 */
async function installWithYarn(install, linker) {
  const registry = await install("npm", ["config", "get", "registry"]);
  return install("npx", [...YARN, "install"], {
    YARN_NODE_LINKER: linker,
    YARN_NPM_REGISTRY_SERVER: registry.replace(/\/$/, ""),
    YARN_ENABLE_IMMUTABLE_INSTALLS: "false",
    YARN_ENABLE_TELEMETRY: "false",
    YARN_ENABLE_HARDENED_MODE: "false",
  });
}
