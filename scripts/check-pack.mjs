// `check:pack` of every package: packs it once, and has publint and attw check the tarball.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pnpm, root, run } from "./workspace.mjs";

const cwd = process.cwd();
const folder = mkdtempSync(join(tmpdir(), "talkdesk-oauth-"));
const tarball = join(folder, "package.tgz");
try {
  const isOk =
    pnpm(["pack", "--out", tarball], { cwd, stdio: ["ignore", "ignore", "inherit"] }) &&
    run(`${root}/node_modules/.bin/publint`, ["run", tarball, "--strict"], { cwd }) &&
    run(`${root}/node_modules/.bin/attw`, [tarball, ...process.argv.slice(2)], { cwd });
  process.exitCode = isOk ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true });
}
