import { fileURLToPath } from "node:url";
import { type OwnProcess, scriptFolder } from "@talkdesk-oauth/fixtures/script-folder";
import type { Driver } from "./drivers.js";

const home = new URL("../../", import.meta.url);

/** Scripts that use the package in processes of their own. */
export interface SqliteScripts extends Disposable {
  /**
   * Starts a module that finds in scope: `sqliteStore`; a `database`, open on the file; `options`; and `say`, which
   * prints a line at once.
   */
  start(
    script: string,
    on: { readonly driver: Driver; readonly file: string; readonly options?: object },
  ): OwnProcess;
}

const PREAMBLE = `
  import { existsSync, readFileSync, writeSync } from "node:fs";
  import { createRequire } from "node:module";
  import { setTimeout as sleep } from "node:timers/promises";
  import { sqliteStore } from "./index.js";
  const { HOME, DRIVER, FILE, OPTIONS } = process.env;
  const driver = createRequire(HOME + "package.json")(DRIVER);
  const database = new (driver.DatabaseSync ?? driver)(FILE);
  const options = JSON.parse(OPTIONS);
  const say = (line) => writeSync(1, line + "\\n");
`;

export function sqliteScripts(): SqliteScripts {
  const folder = scriptFolder(home);
  return {
    start: (script, { driver, file, options = {} }) =>
      folder.start(PREAMBLE + script, {
        HOME: fileURLToPath(home),
        DRIVER: driver.name,
        FILE: file,
        OPTIONS: JSON.stringify(options),
      }),
    [Symbol.dispose]: () => folder[Symbol.dispose](),
  };
}
