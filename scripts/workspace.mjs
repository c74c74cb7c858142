import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

export const { packageManager } = JSON.parse(readFileSync(`${root}/package.json`, "utf8"));

const shell = process.platform === "win32";
const ownEnv = { TURBO_TELEMETRY_DISABLED: "1", DO_NOT_TRACK: "1" };

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
    shell,
    ...options,
    env: { ...process.env, ...ownEnv, ...options.env },
  });
  if (error) throw error;
  return status === 0;
}

/**
 * Runs a command in the workspace's root, shows its output and keeps it.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {NodeJS.ProcessEnv} [env] What the command gets besides ours.
 * @returns {Promise<{ isOk: boolean, output: string }>}
 */
export async function record(command, args, env = {}) {
  const colours = process.stdout.isTTY ? { FORCE_COLOR: "1" } : {};
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    shell,
    env: { ...colours, ...process.env, ...ownEnv, ...env },
  });
  let output = "";
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ]) {
    from.setEncoding("utf8").on("data", (text) => {
      output += text;
      to.write(text);
    });
  }
  const [code] = await once(child, "close");
  return { isOk: code === 0, output };
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
 * Runs one of the workspace's tools, such as `biome`, shows its output and keeps it.
 * @param {string} bin
 * @param {readonly string[]} args
 */
export const recordTool = (bin, ...args) => record(`${root}/node_modules/.bin/${bin}`, args);

/**
 * Runs a task of all packages, shows the output where it fails and keeps it. Turbo needs pnpm on the `PATH`.
 * @param {string} task
 */
export const recordTask = (task) =>
  record("npx", [
    ...["--yes", packageManager, "exec", "turbo", "run", task],
    ...["--output-logs=errors-only", `--concurrency=${availableParallelism()}`],
  ]);

const installation = ["install", "--frozen-lockfile", "--prefer-offline", "--reporter=append-only"];
// CI: never ask on a terminal whether node_modules may be replaced.
const installationEnv = { CI: "true" };

/** Installs what the lock file says, shows what pnpm says and keeps it. */
export const recordInstall = () => record("npx", ["--yes", packageManager, ...installation], installationEnv);

/**
 * Installs what the lock file says; tells what pnpm said only when that fails.
 * @param {readonly string[]} [filters] Packages to install for; default all.
 */
export function install(filters = []) {
  const only = filters.flatMap((filter) => ["--filter", filter]);
  const log = join(mkdtempSync(join(tmpdir(), "talkdesk-oauth-")), "install.log");
  const out = openSync(log, "w");
  const isOk = pnpm([...only, ...installation], { stdio: ["ignore", out, out], env: installationEnv });
  closeSync(out);
  if (!isOk) console.error(readFileSync(log, "utf8"));
  rmSync(dirname(log), { recursive: true, force: true });
  return isOk;
}
