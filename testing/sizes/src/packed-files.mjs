import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../../packages", import.meta.url));

/** What every tarball contains, whether `files` names it or not. */
const ALWAYS = ["LICENSE", "README.md", "package.json"];

/** The folders of `packages`, by name. */
export const packageNames = () =>
  readdirSync(packages).filter((name) => existsSync(join(packages, name, "package.json")));

/** Reads the files that the tarball of a package contains, by their paths in it, in the order of their paths. */
export function readPackedFiles(name) {
  const folder = join(packages, name);
  const { files } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const wrong = files.find((file) => /[*!?]/.test(file));
  if (wrong !== undefined)
    throw new Error(`"files" of ${name} has the pattern ${wrong}; only names are understood here.`);
  const paths = [...new Set([...ALWAYS, ...files])].flatMap((file) => listFiles(folder, file)).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(folder, path))]));
}

function listFiles(folder, path) {
  const full = join(folder, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full).flatMap((name) => listFiles(folder, `${path}/${name}`));
}
