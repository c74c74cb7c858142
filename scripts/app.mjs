// `node scripts/app.mjs NAME [arguments]`: installs and builds what an app needs, then runs it.
import { existsSync } from "node:fs";
import { runApp } from "./run-app.mjs";
import { root } from "./workspace.mjs";

const [name = "", ...args] = process.argv.slice(2);
if (/^[a-z-]+$/.test(name) && existsSync(`${root}/apps/${name}/package.json`)) {
  process.exitCode = await runApp(name, args);
} else {
  console.error("Name a folder in apps, such as export-calls.");
  process.exitCode = 2;
}
