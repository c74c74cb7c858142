import { runPortal } from "./run-portal.js";

const stopping = new AbortController();
// Once: who presses Ctrl-C again wants it to end at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

process.exitCode = await runPortal({
  env: process.env,
  write: (line) => process.stdout.write(`${line}\n`),
  complain: (line) => process.stderr.write(`${line}\n`),
  signal: stopping.signal,
});
