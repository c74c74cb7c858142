// Runs the jobs in a worker with the given compatibility date, and prints what they found.
import { readFile } from "node:fs/promises";
import { Miniflare } from "miniflare";

const [compatibilityDate] = process.argv.slice(2);
const script = await readFile("out/worker.js", "utf8");
const bindings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(?:TALKDESK|CONSUMER)_/.test(name)),
);
const worker = new Miniflare({ modules: true, script, compatibilityDate, bindings });
const ask = async (path) => {
  const answer = await worker.dispatchFetch(`http://worker.example${path}`);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`);
  return text && JSON.parse(text);
};

const found = await ask("/jobs");
await ask("/begin");
found["two at once"] = [];
for (const kind of ["service", "user"]) {
  const [one, other] = await Promise.all([ask(`/${kind}`), ask(`/${kind}`)]);
  found["two at once"].push([one.status, other.status, one.value === other.value]);
}
console.log(JSON.stringify(found));
await worker.dispose();
