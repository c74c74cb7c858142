// `npm run chaos -- --seeds 10 --store redis`: builds and runs the chaos of testing/many-processes. `--help` lists its options.
import { spawnSync } from "node:child_process";
import { buildApp } from "./run-app.mjs";
import { root } from "./workspace.mjs";

const command = `${root}/testing/many-processes/dist/chaos-command.js`;
if (buildApp("many-processes-tests")) {
  const { status } = spawnSync(process.execPath, [command, ...process.argv.slice(2)], { stdio: "inherit" });
  process.exitCode = status ?? 1;
} else {
  process.exitCode = 1;
}
