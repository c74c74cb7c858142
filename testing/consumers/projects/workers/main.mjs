// Runs the worker with each given compatibility date, and prints one line of results for each.
import { readFile } from "node:fs/promises";
import { Miniflare } from "miniflare";

const script = await readFile("out/worker.js", "utf8");
const bindings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(?:TALKDESK|CONSUMER)_/.test(name)),
);
for (const compatibilityDate of process.argv.slice(2)) {
  const worker = new Miniflare({ modules: true, script, compatibilityDate, bindings });
  console.log(await (await worker.dispatchFetch("http://worker.example/")).text());
  await worker.dispose();
}
