import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

/**
 * Runs a command in the workspace's root, its output going where ours goes.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} [options]
 * @returns {boolean} Whether it ended with 0.
 */
export function run(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    shell: process.platform === "win32",
    ...options,
    env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1", ...options.env },
  });
  if (error) throw error;
  return status === 0;
}

/**
 * Runs the pinned pnpm, fetched by npx if need be, so that Node and npm are all that a machine needs.
 * @param {readonly string[]} args
 * @param {import("node:child_process").SpawnSyncOptions} [options]
 */
export function pnpm(args, options) {
  return run("npx", ["--yes", packageManager, ...args], options);
}

/**
 * Installs what the lock file says; tells what pnpm said only when that fails.
 * @param {readonly string[]} [filters] Packages to install for; default all.
 */
export function install(filters = []) {
  const only = filters.flatMap((filter) => ["--filter", filter]);
  const log = join(mkdtempSync(join(tmpdir(), "talkdesk-oauth-")), "install.log");
  const out = openSync(log, "w");
  // CI: never ask on a terminal whether node_modules may be replaced.
  const isOk = pnpm([...only, "install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only"], {
    stdio: ["ignore", out, out],
    env: { CI: "true" },
  });
  closeSync(out);
  if (!isOk) console.error(readFileSync(log, "utf8"));
  rmSync(dirname(log), { recursive: true, force: true });
  return isOk;
}
