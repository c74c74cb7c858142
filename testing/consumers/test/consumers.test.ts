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

let scratch: string;
let talkdesk: Emulator;

async function output(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    shell: process.platform === "win32",
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      ...talkdesk.environment(),
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

/** The project, copied out of the workspace, with the tarballs of some packages installed by npm. */
async function installed(project: string, packages: readonly string[]): Promise<string> {
  const folder = join(scratch, project);
  await cp(join(projects, project), folder, { recursive: true });
  const files = await readdir(scratch);
  const tarballs = packages.map((name) => {
    const file = files.find((each) => each.startsWith(`talkdesk-oauth-${name}-`) && each.endsWith(".tgz"));
    return join(scratch, file ?? `${name} was not packed`);
  });
  await output("npm", ["install", "--no-audit", "--no-fund", "--no-package-lock", ...tarballs], folder);
  return folder;
}

/** Where core is beneath a project. */
async function coresIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /@talkdesk-oauth.core.package\.json$/.test(file));
}

beforeAll(async () => {
  talkdesk = await startEmulator();
  scratch = await mkdtemp(join(tmpdir(), "talkdesk-oauth-"));
  const filters = ["core", "fetch", "express"].map((name) => `--filter=@talkdesk-oauth/${name}`);
  await output(
    "npx",
    ["--yes", "pnpm@10.34.9", ...filters, "pack", "--pack-destination", scratch],
    workspace,
  );
}, 60_000);

afterAll(async () => {
  await talkdesk?.stop();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

describe("the packed packages", () => {
  it("work in a script of ES modules", async () => {
    const folder = await installed("esm", ["core", "fetch"]);
    expect(await output(process.execPath, ["main.mjs"], folder)).toBe("200 true source_closed");
    // Port 1 is nobody's.
    const nowhere = { TALKDESK_TOKEN_URL: "http://127.0.0.1:1/oauth/token" };
    expect(await output(process.execPath, ["unreachable.mjs"], folder, nowhere)).toBe("token_network");
  }, 60_000);

  it("work in a CommonJS script", async () => {
    const folder = await installed("cjs", ["core", "fetch"]);
    expect(await output(process.execPath, ["main.cjs"], folder)).toBe("200 true source_closed");
  }, 60_000);

  it.each([
    ["NodeNext modules, beside Express 5", "ts-nodenext"],
    ["CommonJS and the resolution of old, beside Express 4", "ts-commonjs"],
  ])(
    "type-check and work in TypeScript with %s",
    async (_with, project) => {
      const folder = await installed(project, ["core", "fetch", "express"]);
      expect(await coresIn(folder)).toHaveLength(1);
      await output(process.execPath, [tsc, "-p", "."], folder);
      expect(await output(process.execPath, ["out/main.js"], folder)).toBe("200 true source_closed");
      // A token for a handler; a login asked for, and begun; and the end of the source as an answer.
      expect(await output(process.execPath, ["out/app.js"], folder)).toBe("200 401 302 401");
    },
    60_000,
  );
});
