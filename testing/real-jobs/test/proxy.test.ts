import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { startConnectProxy } from "./support/connect-proxy.js";

const job = fileURLToPath(new URL("../jobs/show-account.js", import.meta.url));
const entry = createRequire(import.meta.url).resolve("@talkdesk-oauth/emulator");
const command = join(dirname(entry), "../bin/talkdesk-emulator.js");

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

/** Runs the job in a shell into which the lines that the emulator prints have been pasted, and then others. */
async function runJob(proxyUrl: string, ...others: string[]) {
  const printedLines = output.match(/^export .*$/gm) ?? [];
  const script = [...printedLines, ...others, 'exec "$0" "$1"'].join("\n");
  const child = spawn("sh", ["-c", script, process.execPath, job], {
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

it("runs behind a proxy, which sees no secret and no token, over https", async () => {
  const proxy = await startConnectProxy();
  const { printed, errors, exitCode } = await runJob(proxy.url);
  proxy.stop();
  expect([exitCode, errors]).toEqual([0, ""]);
  expect(JSON.parse(printed)).toMatchObject({ name: "acme" });
  const hosts = ["TALKDESK_TOKEN_URL", "TALKDESK_API_URL"].map((name) => new URL(readVariable(name)).host);
  expect(proxy.tunnels).toEqual(hosts);
  expect(proxy.readSeen()).not.toMatch(/authorization|oauth|account/i);
  expect(output).toContain("us acme POST /us/acme/oauth/token 200");
  expect(output).toContain("us acme GET /account 200");
});

it("refuses a certificate that it was not told to trust, at the first try", async () => {
  const proxy = await startConnectProxy();
  const { errors, exitCode } = await runJob(proxy.url, "unset NODE_EXTRA_CA_CERTS");
  proxy.stop();
  expect([exitCode, proxy.tunnels.length]).toEqual([1, 1]);
  expect(errors).toContain("token_network");
  expect(errors).not.toContain(readVariable("TALKDESK_CLIENT_SECRET"));
});
