import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const page = readFileSync(join(workspace, "ARCHITECTURE.md"), "utf8");

/** What each part imports, by its name. */
type Imports = ReadonlyMap<string, readonly string[]>;

interface Floor {
  readonly name: string;
  readonly imports: readonly string[];
}

/** The rows of the table under a heading: the first column names a part, the last one names what it imports. */
function floorsUnder(heading: string): readonly Floor[] {
  const [, section = ""] = page.split(`\n## ${heading}\n`);
  const [text = ""] = section.split("\n## ");
  return text
    .split("\n")
    .filter((line) => line.startsWith("| `"))
    .map((line) => {
      const cells = line.split("|").slice(1, -1);
      return { name: namesIn(cells.at(0))[0] ?? "", imports: namesIn(cells.at(-1)) };
    });
}

const namesIn = (cell = ""): readonly string[] =>
  [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

function sourcesIn(folder: string): readonly string[] {
  return readdirSync(join(workspace, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => join(folder, name));
}

/** What a file imports, types included. Text in comments does not count. */
function importedBy(file: string): readonly string[] {
  const code = readFileSync(join(workspace, file), "utf8")
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/^\s*\/\/.*$/gm, "");
  const names = code.matchAll(/(?:^(?:import|export)\b[^;]*?\bfrom\s*|^import\s*|\bimport\(\s*)"([^"]+)"/gm);
  return [...names].map(([, name = ""]) => name);
}

function importsBetween(
  files: readonly string[],
  partOf: (file: string) => string,
  partImported: (name: string, file: string) => string | undefined,
): Imports {
  const parts = new Map<string, Set<string>>();
  for (const file of files) {
    const part = partOf(file);
    const imports = parts.get(part) ?? new Set();
    parts.set(part, imports);
    for (const name of importedBy(file)) {
      const imported = partImported(name, file);
      if (imported !== undefined && imported !== part) imports.add(imported);
    }
  }
  return new Map([...parts].map(([part, imports]) => [part, [...imports].sort()]));
}

const SCOPE = "@talkdesk-oauth/";

function importsOfPackages(): Imports {
  const ofScope = (name: string) => (name.startsWith(SCOPE) ? name.slice(SCOPE.length) : undefined);
  const packages = readdirSync(join(workspace, "packages"));
  return importsBetween(
    packages.flatMap((name) => sourcesIn(`packages/${name}/src`)),
    (file) => file.split("/")[1] ?? "",
    ofScope,
  );
}

/** The imports between the folders of one package; a file that lies in none is a part by its own name. */
function importsInside(name: string): Imports {
  const home = `packages/${name}/src`;
  const partOf = (file: string): string => {
    const [first = "", second] = file.slice(home.length + 1).split("/");
    return second === undefined ? first.replace(/\.js$/, ".ts") : first;
  };
  return importsBetween(sourcesIn(home), partOf, (imported, file) =>
    imported.startsWith(".") ? partOf(normalize(join(dirname(file), imported))) : undefined,
  );
}

const withFolders = readdirSync(join(workspace, "packages")).filter((name) =>
  readdirSync(join(workspace, `packages/${name}/src`), { withFileTypes: true }).some((entry) =>
    entry.isDirectory(),
  ),
);

const pictures: readonly (readonly [string, () => Imports])[] = [
  ["Packages", importsOfPackages],
  ...withFolders.map((name) => [`Inside ${name}`, () => importsInside(name)] as const),
];

describe("ARCHITECTURE.md", () => {
  it("has a picture of the packages and of each package with folders", () => {
    expect(withFolders).toEqual(expect.arrayContaining(["core", "emulator"]));
    for (const [heading] of pictures) expect(page).toContain(`\n## ${heading}\n`);
  });

  describe.each(pictures)("%s", (heading, measured) => {
    const floors = floorsUnder(heading);

    it("names what each part imports", () => {
      const drawn = new Map(floors.map(({ name, imports }) => [name, [...imports].sort()]));
      expect(Object.fromEntries(drawn)).toEqual(Object.fromEntries(measured()));
    });

    it("has each part above those that it imports", () => {
      const names = floors.map(({ name }) => name);
      for (const [height, { imports }] of floors.entries()) {
        expect(names.slice(0, height + 1).filter((name) => imports.includes(name))).toEqual([]);
      }
    });
  });

  it("names files and folders that exist", () => {
    const paths = namesIn(page.replace(/^```\n.*?^```$/gms, "")).filter((name) =>
      /^(?:packages|apps|testing|docs|scripts|core|login|emulator)\//.test(name),
    );
    expect(paths.length).toBeGreaterThan(5);
    const found = (path: string) =>
      existsSync(join(workspace, path)) || existsSync(join(workspace, "packages", path));
    expect(paths.filter((path) => !found(path))).toEqual([]);
  });
});
