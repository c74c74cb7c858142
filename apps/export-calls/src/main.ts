import { exportCalls } from "./export-calls.js";
import { streamOutput } from "./terminal/output.js";

const stopping = new AbortController();
// Once: a second Ctrl-C gets the default behaviour and ends the process at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

process.exitCode = await exportCalls({
  args: process.argv.slice(2),
  env: process.env,
  signal: stopping.signal,
  output: streamOutput(process.stdout),
  complain: (line) => process.stderr.write(`${line}\n`),
});
