import { fileURLToPath } from "node:url";
import { runPortal } from "./command/run-portal.js";

const stopping = new AbortController();
// Once: a second Ctrl-C gets the default behaviour and ends the process at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

process.exitCode = await runPortal({
  args: process.argv.slice(2),
  env: process.env,
  dataFolder: fileURLToPath(new URL("../data", import.meta.url)),
  emulatorScript: fileURLToPath(new URL("./emulator.js", import.meta.url)),
  write: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  signal: stopping.signal,
});
