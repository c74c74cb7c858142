// Starts the app, runs the jobs in the given folder's runtime, and prints what they found.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

const [folder] = process.argv.slice(2);
const args = ["node_modules/next/dist/bin/next", "start", "--port", "0", "--hostname", "127.0.0.1"];
const app = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
try {
  console.log(JSON.stringify(await findings(await waitForOrigin())));
} finally {
  const closed = once(app, "close");
  app.kill();
  await closed;
}

async function waitForOrigin() {
  const said = [];
  for await (const line of createInterface(app.stdout)) {
    said.push(line);
    const [origin] = line.match(/http:\/\/127\.0\.0\.1:[1-9]\d*/) ?? [];
    if (origin) return origin;
  }
  throw new Error(`Next did not say where it listens:\n${said.join("\n")}`);
}

async function findings(origin) {
  const ask = async (work) => {
    const answer = await fetch(`${origin}/${folder}/${work}`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${work} answered ${answer.status}: ${text}`);
    return text && JSON.parse(text);
  };
  const runtime = await ask("runtime");
  if (runtime !== folder) throw new Error(`${folder} runs in the runtime of ${runtime}`);
  const found = await ask("jobs");
  await ask("begin");
  found["two at once"] = [];
  for (const kind of ["service", "user"]) {
    const [one, other] = await Promise.all([ask(kind), ask(kind)]);
    found["two at once"].push([one.status, other.status, one.value === other.value]);
  }
  return found;
}
