import { spawn } from "node:child_process";
import { install, pnpm, root } from "./workspace.mjs";

/**
 * Installs and builds what an app needs, then runs it in the folder where npm was called.
 * @param {string} name The folder of the app in `apps`.
 * @param {readonly string[]} [args] Arguments of the app.
 * @returns {Promise<number>} The exit code of the app; 1 when it could not be built or was killed.
 */
export async function runApp(name, args = []) {
  return buildApp(name) ? startApp(name, args) : 1;
}

/**
 * Installs and builds what an app needs. Prints the reason when that fails.
 * @param {string} name The folder of the app in `apps`.
 * @returns {boolean} True when the app can be started.
 */
export function buildApp(name) {
  console.log("Installing and building; the first time takes about a minute.");
  const filter = `@talkdesk-oauth/${name}...`;
  const build = ["exec", "turbo", "run", "build", `--filter=${filter}`];
  const isReady =
    install(["talkdesk-oauth", filter]) &&
    pnpm([...build, "--output-logs=errors-only", "--log-prefix=none"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  if (!isReady) console.error(`The app ${name} could not be installed or built; the lines above say why.`);
  return isReady;
}

/**
 * Starts an app that has been built.
 * @param {string} name The folder of the app in `apps`.
 * @param {readonly string[]} [args] Arguments of the app.
 * @param {NodeJS.ProcessEnv} [env] Environment variables of the app.
 * @returns {Promise<number>} The exit code of the app; 1 when it was killed.
 */
export async function startApp(name, args = [], env = process.env) {
  const app = spawn(process.execPath, [`${root}/apps/${name}/dist/main.js`, ...args], {
    // npm runs scripts in the root of the workspace. INIT_CWD is the folder where it was called.
    cwd: process.env.INIT_CWD ?? process.cwd(),
    stdio: ["ignore", "inherit", "inherit"],
    env,
  });
  // Ctrl-C reaches the app as well. This process waits until the app has printed its last lines.
  const waitForApp = () => {};
  process.on("SIGINT", waitForApp);
  // Other signals reach this process only, and the app must not outlive it.
  const passOn = (/** @type {NodeJS.Signals} */ signal) => void app.kill(signal);
  process.on("SIGTERM", passOn);
  process.on("SIGHUP", passOn);
  try {
    return await new Promise((resolve, reject) => {
      app.once("error", reject);
      app.once("close", (code) => resolve(code ?? 1));
    });
  } finally {
    process.off("SIGINT", waitForApp);
    process.off("SIGTERM", passOn);
    process.off("SIGHUP", passOn);
  }
}
