import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startConnectProxy } from "./support/connect-proxy.js";

const home = fileURLToPath(new URL("..", import.meta.url));
const entry = createRequire(import.meta.url).resolve("@talkdesk-oauth/emulator");
const command = join(dirname(entry), "../bin/talkdesk-emulator.js");

const readJob = () => readFileSync(join(home, "jobs/show-account.js"), "utf8");

/** An example of the page's section on proxies, as a program that prints the account. */
function readExample(index: number): string {
  const page = readFileSync(join(home, "../../docs/set-ups.md"), "utf8");
  const section = page.slice(page.indexOf("\n## A proxy, or certificates"));
  const [, code = ""] = [...section.matchAll(/```ts\n([\s\S]*?)```/g)][index] ?? [];
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return `${outputText}\nconsole.log(await (await fetch("/account")).text());`;
}

let emulator: ChildProcessByStdio<null, Readable, null>;
let output = "";
beforeAll(async () => {
  emulator = spawn(process.execPath, [command, "--port", "0", "--tls"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  emulator.stdout.on("data", (chunk) => {
    output += chunk;
  });
  await vi.waitUntil(() => output.includes("export NODE_EXTRA_CA_CERTS="), { timeout: 60_000 });
});
afterAll(async () => {
  emulator.kill("SIGTERM");
  await once(emulator, "exit");
});

/** Runs a program in a shell into which the lines that the emulator prints have been pasted, and then others. */
async function run(program: string, proxyUrl: string, ...others: string[]) {
  const printedLines = output.match(/^export .*$/gm) ?? [];
  const script = [...printedLines, ...others, 'exec "$0" --input-type=module -e "$1"'].join("\n");
  const child = spawn("sh", ["-c", script, process.execPath, program], {
    cwd: home,
    env: { PATH: process.env["PATH"], HTTPS_PROXY: proxyUrl },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [printed, errors, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "exit"),
  ]);
  return { printed, errors, exitCode };
}

const readVariable = (name: string) => new RegExp(`^export ${name}=(.*)$`, "m").exec(output)?.[1] ?? "";

it.concurrent.each([
  ["a job of ten lines", readJob],
  ["the example for a whole process", () => readExample(0)],
  ["the example for these calls alone", () => readExample(1)],
])("runs behind a proxy, which sees no secret and no token: %s", async (_, read) => {
  const proxy = await startConnectProxy();
  const { printed, errors, exitCode } = await run(read(), proxy.url);
  proxy.stop();
  expect([exitCode, errors]).toEqual([0, ""]);
  expect(JSON.parse(printed)).toMatchObject({ name: "acme" });
  const hosts = ["TALKDESK_TOKEN_URL", "TALKDESK_API_URL"].map((name) => new URL(readVariable(name)).host);
  expect(proxy.tunnels).toEqual(hosts);
  expect(proxy.readSeen()).not.toMatch(/authorization|oauth|account/i);
  expect(proxy.readSeen()).not.toBe("");
  await vi.waitUntil(() => output.includes("us acme GET /account 200"));
});

it("refuses a certificate that it was not told to trust, at the first try", async () => {
  const proxy = await startConnectProxy();
  const { errors, exitCode } = await run(readJob(), proxy.url, "unset NODE_EXTRA_CA_CERTS");
  proxy.stop();
  expect([exitCode, proxy.tunnels.length]).toEqual([1, 1]);
  expect(errors).toContain("token_network");
  expect(errors).not.toContain(readVariable("TALKDESK_CLIENT_SECRET"));
});
