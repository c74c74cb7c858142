// `node scripts/simulation.mjs COMMAND [arguments]`: installs and builds the simulation, then runs one of its commands.
import { spawnSync } from "node:child_process";
import { install, pnpm, root } from "./workspace.mjs";

const [command = "", ...args] = process.argv.slice(2);
const filter = "@talkdesk-oauth/simulation...";
const build = ["exec", "turbo", "run", "build", `--filter=${filter}`];
const isReady =
  install(["talkdesk-oauth", filter]) &&
  pnpm([...build, "--output-logs=errors-only", "--log-prefix=none"], {
    stdio: ["ignore", "ignore", "inherit"],
  });
if (isReady) {
  const file = `${root}/testing/simulation/dist/${command}.js`;
  process.exitCode = spawnSync(process.execPath, [file, ...args], { stdio: "inherit" }).status ?? 1;
} else {
  console.error("The simulation could not be installed or built; the lines above say why.");
  process.exitCode = 1;
}
