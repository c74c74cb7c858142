import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NotHere } from "./cell.mjs";

const installed = fileURLToPath(new URL("../../node-versions/node_modules/", import.meta.url));

/** How each runtime is called to run a program, after its own path. */
const ARGUMENTS = {
  bun: ["run"],
  deno: ["run", "--allow-all", "--node-modules-dir=manual"],
};

/** Where the program is in the packages of other runtimes than Node. */
const PROGRAMS = { bun: "bin/bun", deno: "deno" };

/**
 * The command that runs a program in a runtime, without the program's name.
 * @param {string} name Such as `node24`, `bun` or `deno`.
 * @returns {string[]}
 * @throws NotHere when there is no build of it for this platform.
 */
export function commandOf(name) {
  if (name !== "bun" && name !== "deno") return [findRuntime(name)];
  return [findRuntime(name, PROGRAMS[name]), ...ARGUMENTS[name]];
}

/**
 * Finds a runtime that `testing/node-versions` names.
 * @param {string} name Such as `node24`.
 * @param {string} [program] Its path within the package.
 * @throws NotHere when there is no build of it for this platform.
 */
export function findRuntime(name, program = "bin/node") {
  const path = `${installed}${name}/${program}`;
  if (existsSync(path)) return path;
  throw new NotHere(`${name} has no build for ${process.platform}-${process.arch}`);
}
