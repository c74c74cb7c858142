import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { copyRepository, listFiles, publicPackages, readManifest, workspace } from "./support/repository.js";

/** The owner of the repository, as the manifest of its root says. */
function readOwner(root: string): string {
  const { repository } = readManifest(root);
  const { url } = repository as { url: string };
  return /^git\+https:\/\/github\.com\/([^/]+)\/talkdesk-oauth\.git$/.exec(url)?.[1] ?? "";
}

/** Every other owner that a file of the repository names. */
function findOtherOwners(root: string, owner: string): readonly string[] {
  return listFiles().flatMap((file) => {
    const text = readFileSync(join(root, file), "latin1");
    const owners = [...text.matchAll(/github\.com[/:]([\w-]+)\/talkdesk-oauth\b/g)].map(([, name]) => name);
    return owners.filter((name) => name !== owner).map((name) => `${file}: ${name}`);
  });
}

const owner = readOwner(workspace);
const home = `https://github.com/${owner}/talkdesk-oauth`;

describe("the owner of the repository", () => {
  it("is named by the manifest of the root", () => {
    expect(owner).toMatch(/^[a-z\d-]+$/i);
    expect(readManifest(workspace)).toMatchObject({
      homepage: `${home}#readme`,
      bugs: { url: `${home}/issues` },
      repository: { type: "git", url: `git+${home}.git` },
    });
  });

  it.each(publicPackages)("is the same in the manifest of %s", (name) => {
    const manifest = readManifest(join(workspace, "packages", name));
    expect(manifest).toMatchObject({
      homepage: `${home}/tree/main/packages/${name}#readme`,
      bugs: { url: `${home}/issues` },
      author: `the talkdesk-oauth contributors (${home})`,
      repository: { type: "git", url: `git+${home}.git`, directory: `packages/${name}` },
    });
    expect(manifest["keywords"]).toEqual(expect.arrayContaining(["talkdesk", "oauth2"]));
  });

  it("is the same in every other file", () => {
    expect(findOtherOwners(workspace, owner)).toEqual([]);
    expect(readFileSync(join(workspace, ".github/CODEOWNERS"), "utf8")).toMatch(
      new RegExp(`^\\* @${owner}(?:/[\\w-]+)?$`, "m"),
    );
    for (const file of ["SECURITY.md", ".github/ISSUE_TEMPLATE/bug.yml", ".github/ISSUE_TEMPLATE/config.yml"])
      expect(readFileSync(join(workspace, file), "utf8"), file).toContain(`${home}/security/advisories/new`);
  });

  it("changes everywhere with one command", () => {
    const copy = copyRepository();
    try {
      const setOwner = (name: string) =>
        execFileSync(process.execPath, ["scripts/set-owner.mjs", name], { cwd: copy, stdio: "pipe" });
      expect(() => setOwner("not a name")).toThrow("Name the user");
      setOwner("acme-labs");
      expect(readOwner(copy)).toBe("acme-labs");
      expect(findOtherOwners(copy, "acme-labs")).toEqual([]);
      expect(readFileSync(join(copy, ".github/CODEOWNERS"), "utf8")).toMatch(/^\* @acme-labs\b/m);
      // Names of packages and pictures stay as they are.
      expect(readManifest(join(copy, "packages/core")).name).toBe("@talkdesk-oauth/core");
      const picture = "docs/portal/contacts.png";
      expect(readFileSync(join(copy, picture))).toEqual(readFileSync(join(workspace, picture)));
    } finally {
      rmSync(copy, { recursive: true });
    }
  });
});
