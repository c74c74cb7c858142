import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { anchorsIn, linksIn } from "./markdown-links.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(workspace, "package.json"), "utf8"));
const repository: string = manifest.repository.url.replace(/^git\+/, "").replace(/\.git$/, "");

/** Pages of the repository on GitHub that are no files. */
const pagesOfGitHub = ["/issues", "/security/advisories/new"];

const pagesIn = (folder: string): readonly string[] =>
  readdirSync(join(workspace, folder))
    .filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md")
    .map((name) => join(folder, name));

const foldersIn = (folder: string): readonly string[] =>
  readdirSync(join(workspace, folder)).map((name) => join(folder, name));

const ofPackages = foldersIn("packages").flatMap(pagesIn);
const pages = [...[".", "docs", ".github", ...foldersIn("apps")].flatMap(pagesIn), ...ofPackages];

const read = (page: string): string => readFileSync(join(workspace, page), "utf8");

const isFolder = (file: string): boolean => statSync(join(workspace, file)).isDirectory();

/** Why a link from a page leads nowhere; undefined when it leads somewhere, or out of the repository. */
function findFault(page: string, link: string): string | undefined {
  const [target = "", anchor] = link.split("#", 2);
  if (target === "") return findMissing(page, anchor);
  if (target.startsWith(`${repository}/`)) return findFaultOnGitHub(target.slice(repository.length), anchor);
  const [, published] = /^https:\/\/www\.npmjs\.com\/package\/@talkdesk-oauth\/(.+)$/.exec(target) ?? [];
  if (published !== undefined) return findMissing(join("packages", published), undefined);
  if (/^(?:https?:|mailto:)/.test(target)) return undefined;
  return findMissing(normalize(join(dirname(page), target)), anchor);
}

/** @param path The path of a URL of the repository on GitHub. */
function findFaultOnGitHub(path: string, anchor: string | undefined): string | undefined {
  if (pagesOfGitHub.includes(path)) return undefined;
  const [, kind, file] = /^\/(blob|tree)\/main\/(.+)$/.exec(path) ?? [];
  if (file === undefined) return "is no page of a file, a folder or of pagesOfGitHub";
  const missing = findMissing(file, anchor);
  if (missing !== undefined) return missing;
  return isFolder(file) === (kind === "tree") ? undefined : "needs blob for a file, tree for a folder";
}

/** @param file Its path from the workspace's root. */
function findMissing(file: string, anchor: string | undefined): string | undefined {
  if (!existsSync(join(workspace, file))) return `${file} does not exist`;
  if (anchor === undefined) return undefined;
  // GitHub shows the README of a folder.
  const page = isFolder(file) ? join(file, "README.md") : file;
  return anchorsIn(read(page)).has(anchor) ? undefined : `${page} has no heading #${anchor}`;
}

describe("the links of the documentation", () => {
  it("are found", () => {
    expect(pages).toEqual(expect.arrayContaining(["README.md", "docs/errors.md", "packages/core/README.md"]));
    for (const page of ofPackages) expect(linksIn(read(page)).targets, page).not.toEqual([]);
  });

  it.each(pages)("lead from %s to files and headings", (page) => {
    const { targets, undefinedLabels, unusedLabels } = linksIn(read(page));
    const faults = targets.map((link) => [link, findFault(page, link)]).filter(([, fault]) => fault);
    expect({ faults, undefinedLabels, unusedLabels }).toEqual({
      faults: [],
      undefinedLabels: [],
      unusedLabels: [],
    });
  });

  it.each(ofPackages)("work in %s wherever the page is shown", (page) => {
    const links = linksIn(read(page)).targets.filter((link) => !/^(?:https:|#)/.test(link));
    expect(links).toEqual([]);
  });

  it("stay in the repository from its own pages, which then suit every branch", () => {
    const own = pages.filter((page) => !ofPackages.includes(page));
    const absolute = own.flatMap((page) =>
      linksIn(read(page)).targets.filter(
        (link) => /\/(?:blob|tree)\//.test(link) && link.startsWith(repository),
      ),
    );
    expect(absolute.map((link) => relative(repository, link))).toEqual([]);
  });
});
