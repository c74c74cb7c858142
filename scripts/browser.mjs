import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const usualPlaces = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
];

/**
 * Finds a Chromium or Chrome: the one that `CHROME_PATH` names, or one on the `PATH`.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Its path; undefined when there is none.
 */
export function findBrowser(env = process.env) {
  if (env.CHROME_PATH) return [env.CHROME_PATH].find(isExecutable);
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  return [...folders.flatMap((folder) => names.map((name) => join(folder, name))), ...usualPlaces].find(
    isExecutable,
  );
}

/**
 * Finds a browser for the tests, or has Debian's Chromium installed where that needs nobody's leave: by root, with apt-get.
 * @returns {string | undefined} Why there is none; undefined when there is one.
 */
export function provideBrowser() {
  if (findBrowser() !== undefined) return undefined;
  if (process.env.CHROME_PATH) return `CHROME_PATH names ${process.env.CHROME_PATH}, which cannot be run`;
  if (process.getuid?.() !== 0) {
    return "no Chromium or Chrome is on the PATH, and only root could install one; install it, or set CHROME_PATH";
  }
  if (spawnSync("apt-get", ["--version"], { stdio: "ignore" }).status !== 0) {
    return "no Chromium or Chrome is on the PATH, and there is no apt-get to install one; install it, or set CHROME_PATH";
  }
  console.log("Installing Debian's chromium; this takes about a minute.");
  // Without a list of packages, or with an old one, the first attempt fails at once.
  const isInstalled = installChromium() || (aptGet(["update"]) && installChromium());
  return isInstalled && findBrowser() !== undefined ? undefined : "apt-get could not install chromium";
}

const installChromium = () => aptGet(["install", "--yes", "--no-install-recommends", "chromium"]);

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
