import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { startEmulator } from "@talkdesk-oauth/emulator";

/** @import { Emulator } from "@talkdesk-oauth/emulator" */

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const projects = fileURLToPath(new URL("../projects", import.meta.url));

/** How long one process may take, in milliseconds. On an idle machine none takes a minute. */
const PROCESS_TIMEOUT_MS = 300_000;

/** npm asks the registry only for what it has never downloaded, and says nothing but errors. */
const NPM_INSTALL = [
  "install",
  "--prefer-offline",
  "--no-audit",
  "--no-fund",
  "--no-package-lock",
  "--no-update-notifier",
  "--loglevel=error",
];

/**
 * @typedef {object} RunOptions
 * @property {string} [cwd] Default: the cell's folder.
 * @property {Readonly<Record<string, string>>} [env] Added to the variables of this process and of the emulator.
 */

/**
 * What a cell works with.
 * @typedef {object} Context
 * @property {string} workspace The root of the repository.
 * @property {string} folder A folder of the cell's own, which is removed after it.
 * @property {Emulator} talkdesk An emulator that all cells share. A cell that needs faults starts one of its own.
 * @property {Readonly<Record<string, string>>} environment Variables that lead to the emulator, the key of its client in
 *   `CONSUMER_KEY_ID` and `CONSUMER_PRIVATE_KEY`, and a secret for `encryptedStore` in `CONSUMER_STORE_SECRET`.
 * @property {AbortSignal} signal Aborted when the cell takes too long.
 * @property {(name: string) => string} tarball Finds the packed package of a name, such as `core`.
 * @property {(project: string, packages: readonly string[], others?: readonly string[]) => Promise<string>} install
 *   Copies a folder of `projects`, and installs packed packages and others, such as `jest@30.5.2`, into it. Resolves to
 *   the copy's path.
 * @property {(command: string, args: readonly string[], options?: RunOptions) => Promise<string>} run Runs a program, and
 *   resolves to what it wrote to stdout and stderr, trimmed. Rejects with that when it does not end with 0.
 * @property {<T>(key: string, work: (context: Context) => Promise<T>) => Promise<T>} share Does a piece of work once for
 *   all cells, such as an installation that several use. Its folder lasts until the end of the run.
 */

/**
 * @typedef {object} Contexts
 * @property {(signal: AbortSignal) => Promise<Context>} open Makes the context of one cell.
 * @property {(context: Context) => Promise<void>} close Removes the folder of a cell.
 * @property {() => Promise<void>} end Ends the processes that still run, and removes everything.
 */

/**
 * Packs all published packages, and starts an emulator.
 * @returns {Promise<Contexts>}
 */
export async function openContexts() {
  const scratch = await mkdtemp(join(tmpdir(), "talkdesk-oauth-"));
  const talkdesk = await startEmulator();
  const { keyId, privateKey } = talkdesk.clients.get();
  const environment = {
    ...talkdesk.environment(),
    CONSUMER_KEY_ID: keyId,
    CONSUMER_PRIVATE_KEY: privateKey,
    CONSUMER_STORE_SECRET: randomBytes(32).toString("base64url"),
  };
  const ending = new AbortController();
  /** @type {Map<string, Promise<unknown>>} */
  const shared = new Map();

  /** @param {AbortSignal} cellSignal @returns {Promise<Context>} */
  async function open(cellSignal) {
    const signal = AbortSignal.any([cellSignal, ending.signal]);
    const folder = await mkdtemp(join(scratch, "cell-"));
    /** @type {Context["run"]} */
    const run = (command, args, { cwd = folder, env = {} } = {}) =>
      runProgram(command, args, { cwd, signal, env: { ...environment, ...env } });
    /** @type {Context["install"]} */
    async function install(project, packages, others = []) {
      const copy = await mkdtemp(join(folder, `${project}-`));
      await cp(join(projects, project), copy, { recursive: true });
      await run("npm", [...NPM_INSTALL, ...packages.map(tarball), ...others], { cwd: copy });
      return copy;
    }
    return { workspace, folder, talkdesk, environment, signal, tarball, install, run, share };
  }

  /** @type {Context["share"]} */
  async function share(key, work) {
    const known = shared.get(key);
    if (known) return /** @type {ReturnType<typeof work>} */ (known);
    const started = open(ending.signal).then(work);
    shared.set(key, started);
    return started;
  }

  /** @type {Contexts["end"]} */
  async function end() {
    ending.abort(new Error("The run has ended."));
    await talkdesk.stop();
    await Promise.allSettled(shared.values());
    await removeFolder(scratch);
  }

  const packed = join(scratch, "packed");
  /** @type {string[]} */
  let tarballs = [];
  /** @type {Context["tarball"]} */
  function tarball(name) {
    const file = tarballs.find((each) => each.startsWith(`talkdesk-oauth-${name}-`));
    if (file === undefined) throw new Error(`${name} was not packed`);
    return join(packed, file);
  }

  try {
    await mkdir(packed);
    const { packageManager } = JSON.parse(await readFile(join(workspace, "package.json"), "utf8"));
    const pack = ["--recursive", "--filter=./packages/*", "pack", "--pack-destination", packed];
    const options = { cwd: workspace, signal: ending.signal, env: {} };
    await runProgram("npx", ["--yes", packageManager, ...pack], options);
    tarballs = await readdir(packed);
  } catch (error) {
    await end();
    throw error;
  }
  return { open, close: ({ folder }) => removeFolder(folder), end };
}

/** @param {string} folder */
const removeFolder = (folder) => rm(folder, { recursive: true, force: true, maxRetries: 5 });

/**
 * Runs a program, and ends it with all that it started when it takes too long.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{ cwd: string, env: Readonly<Record<string, string>>, signal: AbortSignal }} options
 * @returns {Promise<string>}
 */
function runProgram(command, args, { cwd, env, signal }) {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PROCESS_TIMEOUT_MS)]);
  return new Promise((resolve, reject) => {
    limit.throwIfAborted();
    const isWindows = process.platform === "win32";
    const child = spawn(command, args, {
      cwd,
      stdio: ["ignore", "pipe", "pipe"],
      shell: isWindows,
      // A group of its own, so that what it starts can be ended with it.
      detached: !isWindows,
      env: { ...process.env, NODE_OPTIONS: "", NO_COLOR: "1", ...env },
    });
    /** @type {Buffer[]} */
    const text = [];
    child.stdout.on("data", (/** @type {Buffer} */ chunk) => text.push(chunk));
    child.stderr.on("data", (/** @type {Buffer} */ chunk) => text.push(chunk));
    const kill = () => {
      try {
        if (isWindows || child.pid === undefined) child.kill("SIGKILL");
        else process.kill(-child.pid, "SIGKILL");
      } catch {
        // It has ended by itself.
      }
    };
    limit.addEventListener("abort", kill);
    child.once("error", reject);
    child.once("close", (code) => {
      limit.removeEventListener("abort", kill);
      const said = Buffer.concat(text).toString().trim();
      if (code === 0) resolve(said);
      else {
        const ending = limit.aborted ? "took too long" : `ended with ${code}`;
        reject(new Error(`${basename(command)} ${args.slice(0, 3).join(" ")} ${ending}:\n${said}`));
      }
    });
  });
}
