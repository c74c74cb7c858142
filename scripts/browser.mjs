import { findProgram, provideProgram } from "./program.mjs";

const browser = {
  title: "Chromium or Chrome",
  names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
  usualPlaces: [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
  ],
  variable: "CHROME_PATH",
  debianPackage: "chromium",
};

/**
 * Finds a Chromium or Chrome: the one that `CHROME_PATH` names, or one on the `PATH`.
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {string | undefined} Its path; undefined when there is none.
 */
export const findBrowser = (env) => findProgram(browser, env);

/**
 * Finds a browser for the tests, or has Debian's Chromium installed where that needs nobody's leave: by root, with apt-get.
 * @returns {string | undefined} Why there is none; undefined when there is one.
 */
export const provideBrowser = () => provideProgram(browser);
