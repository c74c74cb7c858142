// Runs the worker with each given compatibility date, and prints one line of results for each.
import { readFile } from "node:fs/promises";
import { Miniflare } from "miniflare";

const script = await readFile("out/worker.js", "utf8");
const bindings = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => /^(?:TALKDESK|CONSUMER)_/.test(name)),
);
for (const compatibilityDate of process.argv.slice(2)) {
  const worker = new Miniflare({ modules: true, script, compatibilityDate, bindings });
  const ask = (path) => worker.dispatchFetch(`http://worker.example${path}`);
  const found = await (await ask("/")).json();
  await ask("/begin");
  for (const kind of ["service", "user"]) {
    const answers = await Promise.all([ask(`/${kind}`), ask(`/${kind}`)]);
    const bodies = await Promise.all(answers.map((answer) => answer.text()));
    const isSame = bodies[0] === bodies[1];
    found[`two requests at once: ${kind}`] = [...answers.map(({ status }) => status), isSame].join(" ");
  }
  console.log(JSON.stringify(found));
  await worker.dispose();
}
