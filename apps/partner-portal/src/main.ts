import { runPortal } from "./command/run-portal.js";

const stopping = new AbortController();
// Once: a second Ctrl-C gets the default behaviour and ends the process at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

process.exitCode = await runPortal({
  env: process.env,
  write: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  signal: stopping.signal,
});
