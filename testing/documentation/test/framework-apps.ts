import { cp, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { EXAMPLE_SETTINGS } from "./compiler-options.js";
import { findTypeFaults } from "./type-faults.js";

const page = new URL("../../../docs/web-frameworks.md", import.meta.url);
const standIns = fileURLToPath(new URL("stand-ins", import.meta.url));
// Inside this package, so that the apps resolve what a user would have installed.
const scratch = fileURLToPath(new URL("../.frameworks", import.meta.url));

/** Bundlers of web frameworks build these apps, so imports have no file extension. */
const APP_SETTINGS = {
  ...EXAMPLE_SETTINGS,
  module: "ESNext",
  moduleResolution: "Bundler",
  jsx: "react-jsx",
};
const { options: APP_OPTIONS } = ts.convertCompilerOptionsFromJson(APP_SETTINGS, scratch);

/** One file of the page: a block of code whose first line is a comment with its path. */
interface AppFile {
  readonly path: string;
  readonly code: string;
}

/** One section of the page that has code. */
export interface FrameworkApp {
  readonly heading: string;
  /** Where the section says that the shared module is; undefined where it does not use it. */
  readonly sharedModule: string | undefined;
  readonly files: readonly AppFile[];
}

const filesIn = (text: string): readonly AppFile[] =>
  [...text.matchAll(/^```tsx?\n(\/\/ (\S+)\n.*?)^```$/gms)].map(([, code = "", path = ""]) => ({
    path,
    code,
  }));

const [, ...sections] = (await readFile(page, "utf8")).split(/^## /m);

const [shared] = filesIn(sections.find((section) => section.startsWith("The shared module\n")) ?? "");

/** The apps of the page. */
export const apps: readonly FrameworkApp[] = sections
  .filter((section) => !section.startsWith("The shared module\n") && filesIn(section).length > 0)
  .map((section) => ({
    heading: section.slice(0, section.indexOf("\n")),
    sharedModule: /The shared module is `([^`]+)`/.exec(section)?.[1],
    files: filesIn(section),
  }));

/** Where an app is written to. */
const folderOf = ({ heading }: FrameworkApp): string =>
  join(scratch, heading.toLowerCase().replaceAll(/[^a-z]+/g, "-"));

/** Writes the apps down, beside modules that stand in for the frameworks, and translates all of it to JavaScript. */
export async function writeApps(): Promise<void> {
  await removeApps();
  await cp(standIns, join(scratch, "node_modules"), { recursive: true });
  for (const name of ["next", "react", "@sveltejs/kit"]) {
    const exports = { ".": "./index.js", "./*": "./*.js" };
    const manifest = JSON.stringify({ name, version: "0.0.0", type: "module", exports });
    await writeFile(join(scratch, "node_modules", name, "package.json"), manifest);
  }
  for (const app of apps) {
    const { sharedModule, files } = app;
    const all =
      sharedModule === undefined ? files : [...files, { path: sharedModule, code: shared?.code ?? "" }];
    for (const { path, code } of all) {
      await mkdir(dirname(join(folderOf(app), path)), { recursive: true });
      await writeFile(join(folderOf(app), path), code);
    }
  }
  for (const file of await sources()) {
    const { outputText } = ts.transpileModule(await readFile(file, "utf8"), {
      fileName: file,
      compilerOptions: APP_OPTIONS,
    });
    await writeFile(file.replace(/\.tsx?$/, ".js"), outputText);
  }
}

export async function removeApps(): Promise<void> {
  await rm(scratch, { recursive: true, force: true });
}

/** What is wrong with the types of the apps, as the compiler says it. */
export async function findFaultsOfTypes(): Promise<string> {
  return findTypeFaults(scratch, await sources(), APP_SETTINGS);
}

async function sources(): Promise<string[]> {
  const names = await readdir(scratch, { recursive: true });
  return names.filter((name) => /\.tsx?$/.test(name)).map((name) => join(scratch, name));
}

/** Loads a module of an app, or one that stands in for its framework. */
export async function load(app: FrameworkApp, path: string): Promise<Record<string, unknown>> {
  return import(join(path.startsWith("node_modules/") ? scratch : folderOf(app), path));
}
