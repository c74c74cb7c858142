import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const projects = fileURLToPath(new URL("../projects", import.meta.url));
const tsc = join(workspace, "node_modules/typescript/bin/tsc");
const types = ["--typeRoots", join(workspace, "node_modules/@types")];

let scratch: string;
let tarballs: string[];
let talkdesk: Emulator;

async function output(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { clientId, clientSecret } = talkdesk.clients.get();
  const { token, authorize, jwks, api } = talkdesk.endpoints();
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      TALKDESK_TOKEN_URL: token,
      TALKDESK_AUTHORIZE_URL: authorize,
      TALKDESK_JWKS_URL: jwks,
      TALKDESK_API_URL: api,
      TALKDESK_CLIENT_ID: clientId,
      TALKDESK_CLIENT_SECRET: clientSecret,
      ...env,
    },
  });
  const text: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => text.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => text.push(chunk));
  const [code] = await once(child, "close");
  const said = Buffer.concat(text).toString().trim();
  if (code !== 0) throw new Error(`${command} ended with ${code}:\n${said}`);
  return said;
}

/** The project, copied out of the workspace, with the tarballs installed by npm. */
async function installed(project: string): Promise<string> {
  const folder = join(scratch, project);
  await cp(join(projects, project), folder, { recursive: true });
  await output("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", ...tarballs], folder);
  return folder;
}

beforeAll(async () => {
  talkdesk = await startEmulator();
  scratch = await mkdtemp(join(tmpdir(), "talkdesk-oauth-"));
  for (const name of ["core", "fetch"]) {
    await output(
      "npx",
      ["--yes", "pnpm@10.34.9", "pack", "--pack-destination", scratch],
      join(workspace, "packages", name),
    );
  }
  tarballs = (await readdir(scratch))
    .filter((name) => name.endsWith(".tgz"))
    .map((name) => join(scratch, name));
}, 60_000);

afterAll(async () => {
  await talkdesk?.stop();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

describe("the packed core and fetch", () => {
  it("work in a script of ES modules", async () => {
    const folder = await installed("esm");
    expect(await output(process.execPath, ["main.mjs"], folder)).toBe("200 true source_closed");
    // Port 1 is nobody's.
    const nowhere = { TALKDESK_TOKEN_URL: "http://127.0.0.1:1/oauth/token" };
    expect(await output(process.execPath, ["unreachable.mjs"], folder, nowhere)).toBe("token_network");
  }, 60_000);

  it("work in a CommonJS script", async () => {
    const folder = await installed("cjs");
    expect(await output(process.execPath, ["main.cjs"], folder)).toBe("200 true source_closed");
  }, 60_000);

  it("type-check and work in TypeScript with NodeNext modules", async () => {
    const folder = await installed("ts-nodenext");
    await output(process.execPath, [tsc, "-p", ".", ...types], folder);
    expect(await output(process.execPath, ["out/main.js"], folder)).toBe("200 true source_closed");
  }, 60_000);

  it("type-check and work in TypeScript with CommonJS and the resolution of old", async () => {
    const folder = await installed("ts-commonjs");
    await output(process.execPath, [tsc, "-p", ".", ...types], folder);
    expect(await output(process.execPath, ["out/main.js"], folder)).toBe("200 true source_closed");
  }, 60_000);
});
