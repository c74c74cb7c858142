import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { NotHere } from "./cell.mjs";

const installed = fileURLToPath(new URL("../../node-versions/node_modules/", import.meta.url));

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
