import { readdirSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { expect, it } from "vitest";

const packages = new URL("../../../packages/", import.meta.url);

/** What code and declarations import: statements of both formats, `import()` in code and in types. */
const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\(\s*)["']([^"'\n]+)["']/g;

/** The names of the packages that the files of a build import. */
function readImports(name: string): Set<string> {
  const dist = new URL(`${name}/dist/`, packages);
  const files = readdirSync(dist).filter((file) => /\.[cm]?[jt]s$/.test(file));
  const code = files.map((file) => withoutComments(readFileSync(new URL(file, dist), "utf8"))).join("\n");
  const specifiers = [...code.matchAll(IMPORTS)].map(([, specifier = ""]) => specifier);
  const bare = specifiers.filter((specifier) => !/^[.#]/.test(specifier) && !isBuiltin(specifier));
  return new Set(bare.map((specifier) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? specifier));
}

/** Examples in docstrings import what the reader has. */
const withoutComments = (code: string): string => code.replace(/\/\*[\s\S]*?\*\//g, "");

it.each(readdirSync(packages))("%s imports only what its manifest names", (name) => {
  const manifest = JSON.parse(readFileSync(new URL(`${name}/package.json`, packages), "utf8"));
  const named = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const imported = readImports(name);
  expect([...imported].filter((each) => !named.includes(each) && each !== manifest.name)).toEqual([]);
  // No import at all would mean that nothing was read.
  expect(imported.size).toBeGreaterThan(0);
});
