import { runDemo } from "./demo.js";

process.exitCode = await runDemo({
  env: process.env,
  write: (line) => process.stdout.write(`${line}\n`),
  writeError: (line) => process.stderr.write(`${line}\n`),
});
