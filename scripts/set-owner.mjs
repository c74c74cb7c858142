// `node scripts/set-owner.mjs NAME`: writes the owner of the repository on GitHub to every place that names it.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { root } from "./workspace.mjs";

/** The constant: all other places follow from it. */
const { repository } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));
const [, owner] = /^git\+https:\/\/github\.com\/([^/]+)\/talkdesk-oauth\.git$/.exec(repository.url) ?? [];

/** @param {string} name */
function setOwner(name) {
  const { stdout } = spawnSync("git", ["ls-files", "-z"], { cwd: root, encoding: "utf8" });
  for (const path of stdout.split("\0").filter(Boolean)) {
    const file = `${root}/${path}`;
    // Bytes of pictures stay as they are.
    const text = readFileSync(file, "latin1");
    const named = text.replaceAll(`github.com/${owner}/talkdesk-oauth`, `github.com/${name}/talkdesk-oauth`);
    const written = path === ".github/CODEOWNERS" ? named.replaceAll(`@${owner}`, `@${name}`) : named;
    if (written !== text) writeFileSync(file, written, "latin1");
  }
}

const [name = ""] = process.argv.slice(2);
if (!/^[a-z\d](?:-?[a-z\d]){0,38}$/i.test(name)) {
  console.error("Name the user or organisation on GitHub, such as: node scripts/set-owner.mjs acme");
  process.exitCode = 2;
} else {
  setOwner(name);
}
