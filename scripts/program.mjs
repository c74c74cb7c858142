import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** What Debian's packages ask before they start a service. */
const servicePolicy = "/usr/sbin/policy-rc.d";

/**
 * A program that tests need and that a package of Debian has.
 * @typedef {object} Program
 * @property {string} title What messages call it.
 * @property {readonly string[]} names Its names on the `PATH`.
 * @property {readonly string[]} [usualPlaces] Where else it may be.
 * @property {string} variable The environment's variable that may hold its path.
 * @property {string} debianPackage
 */

/**
 * Finds a program: the one that its variable names, or one on the `PATH`.
 * @param {Program} program
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Its path; undefined when there is none.
 */
export function findProgram({ names, usualPlaces = [], variable }, env = process.env) {
  const named = env[variable];
  if (named) return isExecutable(named) ? named : undefined;
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...usualPlaces].find(
    isExecutable,
  );
}

/**
 * Finds a program, or has Debian's installed where that needs nobody's leave: by root, with apt-get.
 * @param {Program} program
 * @returns {string | undefined} Why there is none; undefined when there is one.
 */
export function provideProgram(program) {
  const { title, variable, debianPackage } = program;
  if (findProgram(program) !== undefined) return undefined;
  if (process.env[variable]) return `${variable} names ${process.env[variable]}, which cannot be run`;
  if (process.getuid?.() !== 0) {
    return `no ${title} is on the PATH, and only root could install one; install it, or set ${variable}`;
  }
  if (spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status !== 0) {
    return `no ${title} is on the PATH, and there is no apt-get to install one; install it, or set ${variable}`;
  }
  console.log(`Installing Debian's ${debianPackage}; this takes about a minute.`);
  // Without a list of packages, or with an old one, the first attempt fails at once.
  const isInstalled = install(debianPackage) || (aptGet(["update"]) && install(debianPackage));
  return isInstalled && findProgram(program) !== undefined
    ? undefined
    : `apt-get could not install ${debianPackage}`;
}

/**
 * Installs a package, and keeps it from starting a service: the tests start what they need.
 * @param {string} debianPackage
 */
function install(debianPackage) {
  const hasPolicy = existsSync(servicePolicy);
  if (!hasPolicy) writeFileSync(servicePolicy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    return aptGet(["install", "--yes", "--no-install-recommends", debianPackage]);
  } finally {
    if (!hasPolicy) rmSync(servicePolicy);
  }
}

/** @param {readonly string[]} args */
function aptGet(args) {
  const { status, stderr } = spawnSync("apt-get", args, {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  if (status !== 0) console.log(String(stderr).trim());
  return status === 0;
}

/** @param {string} path */
function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    // A folder may have that name, too: Google's is called chrome.
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
