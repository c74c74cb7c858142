import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const workspace = fileURLToPath(new URL("../../../..", import.meta.url));

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly [field: string]: unknown;
}

/** Reads the manifest in a folder. */
export const readManifest = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));

/** The folders in `packages`, each of which is published. */
export const publicPackages: readonly string[] = readdirSync(join(workspace, "packages"));

/** The files of the repository, by their paths from its root: what git knows, and what it would add. */
export function listFiles(): readonly string[] {
  const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const files = execFileSync("git", args, { cwd: workspace, encoding: "utf8" }).split("\0");
  return files.filter((file) => file !== "" && existsSync(join(workspace, file)));
}

/** Copies the repository, without what is installed and built, into a new folder with a commit on `main`. */
export function copyRepository(): string {
  const folder = mkdtempSync(join(tmpdir(), "talkdesk-oauth-release-"));
  for (const file of listFiles()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    copyFileSync(join(workspace, file), join(folder, file));
  }
  const git = (...args: readonly string[]) => execFileSync("git", args, { cwd: folder, stdio: "ignore" });
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "Release rehearsal");
  git("config", "user.email", "rehearsal@example.com");
  git("config", "commit.gpgsign", "false");
  commitAll(folder);
  return folder;
}

/** Commits every change of a copy. */
export function commitAll(folder: string): void {
  execFileSync("git", ["add", "--all"], { cwd: folder, stdio: "ignore" });
  execFileSync("git", ["commit", "--quiet", "--no-verify", "--message", "Rehearse"], { cwd: folder });
}
