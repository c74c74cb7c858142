import { runManyProcesses } from "./many-processes.js";
import { provideStore } from "./shared-store.js";

const args = process.argv.slice(2);
if (args.some((argument) => argument !== "--sqlite")) {
  console.error("The only argument is --sqlite, which shares a SQLite file in place of Redis.");
  process.exit(2);
}

const stopping = new AbortController();
// Once: a second Ctrl-C gets the default behaviour and ends the process at once.
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stopping.abort());

try {
  await using store = await provideStore(process.env, args.includes("--sqlite"));
  await runManyProcesses({ store, write: (line) => console.log(line), signal: stopping.signal });
} catch (error) {
  if (!stopping.signal.aborted) console.error((error as Error).message);
  process.exitCode = 1;
}
