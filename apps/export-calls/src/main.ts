import { exportCalls } from "./export-calls.js";
import { outputTo } from "./output.js";

const stopping = new AbortController();
// Once: who presses Ctrl-C again wants it to end at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

process.exitCode = await exportCalls({
  args: process.argv.slice(2),
  env: process.env,
  signal: stopping.signal,
  output: outputTo(process.stdout),
  complain: (line) => process.stderr.write(`${line}\n`),
});
