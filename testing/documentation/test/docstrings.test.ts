import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLE_SETTINGS } from "./compiler-options.js";
import { type DocstringExample, exportsOf, namesIn, readDocstrings } from "./docstring-examples.js";
import { SURROUNDINGS, SURROUNDINGS_OF } from "./docstring-surroundings.js";
import { findTypeFaults } from "./type-faults.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
// Inside this package, so that examples resolve what a user would have installed.
const scratch = fileURLToPath(new URL("../.docstrings", import.meta.url));

const { examples, withoutExample } = readDocstrings(workspace);

/** The packages whose exports any example may use, after those of its own package. */
const SHARED_PACKAGES = ["core", "fetch"];

const exported = (packageName: string): ReadonlySet<string> =>
  new Set(exportsOf(workspace, packageName).map(({ name }) => name));

/** An example as a module: its imports, what surrounds it, and the example in a function, so that it may return. */
function moduleOf({ package: packageName, code }: DocstringExample): string {
  const imports = [...code.matchAll(/^import [^;]*;$/gm)].map(([statement]) => statement);
  const body = imports.reduce((rest, statement) => rest.replace(statement, ""), code);
  const imported = namesIn(imports.join("\n"));
  const packages = [packageName, ...SHARED_PACKAGES];
  const surroundings = { ...SURROUNDINGS, ...SURROUNDINGS_OF[packageName] };
  const lines = [...namesIn(body)]
    .filter((name) => !imported.has(name))
    .flatMap((name) => {
      const exporter = packages.find((each) => exported(each).has(name));
      if (exporter !== undefined) return [`import { ${name} } from "@talkdesk-oauth/${exporter}";`];
      const type = surroundings[name];
      return type === undefined ? [] : [`declare const ${name}: ${type};`];
    });
  return [...imports, ...lines, "export async function example() {", body, "}", ""].join("\n");
}

beforeAll(async () => {
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
  for (const example of examples) await writeFile(join(scratch, `${example.name}.mts`), moduleOf(example));
});

afterAll(() => rm(scratch, { recursive: true, force: true }));

describe("the examples in docstrings", () => {
  it("type-check", async () => {
    expect(examples.length).toBeGreaterThan(20);
    const files = examples.map(({ name }) => `${name}.mts`);
    const said = await findTypeFaults(scratch, files, EXAMPLE_SETTINGS);
    // Where an example is, in place of its file's name.
    const faults = examples.reduce((text, { name, from }) => text.replaceAll(`${name}.mts`, from), said);
    expect(faults).toBe("");
  });

  it("are in the docstring of every exported function", () => {
    expect(withoutExample).toEqual([]);
  });
});
