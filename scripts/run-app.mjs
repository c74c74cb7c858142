import { spawn } from "node:child_process";
import { install, pnpm, root } from "./workspace.mjs";

/**
 * Installs and builds what an app needs, then runs it where the person who asked for it is.
 * @param {string} name Its folder in `apps`.
 * @param {readonly string[]} [args]
 * @param {string} [subject] How to begin a sentence about it.
 * @returns {Promise<number>} Its exit code; 1 when it could not be run or was killed.
 */
export async function runApp(name, args = [], subject = `The app ${name}`) {
  console.log("Installing and building; the first time takes about a minute.");
  const filter = `@talkdesk-oauth/${name}...`;
  const isReady =
    install(["talkdesk-oauth", filter]) &&
    pnpm(
      [
        "exec",
        "turbo",
        "run",
        "build",
        `--filter=${filter}`,
        "--output-logs=errors-only",
        "--log-prefix=none",
      ],
      {
        stdio: ["ignore", "ignore", "inherit"],
      },
    );
  if (!isReady) {
    console.error(`${subject} could not be installed or built; the lines above say why.`);
    return 1;
  }
  return ended(
    spawn(process.execPath, [`${root}/apps/${name}/dist/main.js`, ...args], {
      // npm runs scripts in the workspace's root, and says where it was called.
      cwd: process.env.INIT_CWD ?? process.cwd(),
      stdio: ["ignore", "inherit", "inherit"],
    }),
  );
}

/**
 * @param {import("node:child_process").ChildProcess} app
 * @returns {Promise<number>}
 */
async function ended(app) {
  // Ctrl-C reaches the app as well, which then says what is left; this process waits for that.
  const waitForApp = () => {};
  process.on("SIGINT", waitForApp);
  // Other signals reach this process alone, and the app must not go on without it.
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
