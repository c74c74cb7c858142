import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { copyFile, cp, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
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

async function run(
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

/** Copies a project out of the workspace, and has npm install tarballs and other packages into it. */
async function install(
  project: string,
  packages: readonly string[],
  others: readonly string[] = [],
): Promise<string> {
  const folder = join(scratch, [project, ...others].join("-"));
  await cp(join(projects, project), folder, { recursive: true });
  const files = await readdir(scratch);
  const tarballs = packages.map((name) => {
    const file = files.find((each) => each.startsWith(`talkdesk-oauth-${name}-`) && each.endsWith(".tgz"));
    return join(scratch, file ?? `${name} was not packed`);
  });
  await run(
    "npm",
    ["install", "--no-audit", "--no-fund", "--no-package-lock", ...tarballs, ...others],
    folder,
  );
  return folder;
}

/** The folders of a project in which a copy of core is installed. */
async function findCores(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /@talkdesk-oauth.core.package\.json$/.test(file));
}

beforeAll(async () => {
  talkdesk = await startEmulator();
  scratch = await mkdtemp(join(tmpdir(), "talkdesk-oauth-"));
  const filters = ["core", "fetch", "login", "express", "hono", "fastify", "sqlite", "emulator"].map(
    (name) => `--filter=@talkdesk-oauth/${name}`,
  );
  await run("npx", ["--yes", "pnpm@10.34.9", ...filters, "pack", "--pack-destination", scratch], workspace);
}, 300_000);

afterAll(async () => {
  await talkdesk?.stop();
  if (scratch) await rm(scratch, { recursive: true, force: true });
});

describe("the packed packages", () => {
  it("work in a script of ES modules", async () => {
    const folder = await install("esm", ["core", "fetch"]);
    expect(await run(process.execPath, ["main.mjs"], folder)).toBe("200 true source_closed");
    // Nothing listens on port 1.
    const nowhere = { TALKDESK_TOKEN_URL: "http://127.0.0.1:1/oauth/token" };
    expect(await run(process.execPath, ["unreachable.mjs"], folder, nowhere)).toBe("token_network");
  }, 300_000);

  it("work in a CommonJS script", async () => {
    const folder = await install("cjs", ["core", "fetch"]);
    expect(await run(process.execPath, ["main.cjs"], folder)).toBe("200 true source_closed");
  }, 300_000);

  it("type-check and carry a login of Hono and of Fastify over SQLite, as ES modules and as CommonJS", async () => {
    const folder = await install("frameworks", ["core", "fetch", "login", "hono", "fastify", "sqlite"]);
    expect(await findCores(folder)).toHaveLength(1);
    await copyFile(join(folder, "logins.mts"), join(folder, "logins.cts"));
    await run(process.execPath, [tsc, "-p", "."], folder);
    const env = { CONSUMER_STORE_SECRET: randomBytes(32).toString("base64url") };
    for (const built of ["out/logins.mjs", "out/logins.cjs"]) {
      // Nobody, a login, a page with a call of the API, a logout, and nobody again.
      const visits = "401 302 302 200 200 303 401";
      expect(await run(process.execPath, [built], folder, env)).toBe(`${visits}\n${visits}`);
    }
  }, 300_000);

  it("bring the licence of the code that is built into them", async () => {
    const folder = await install("cjs", ["core", "fetch"]);
    const dist = join(folder, "node_modules/@talkdesk-oauth/core/dist");
    const code = await readdir(dist);
    const bundled = code.filter((name) => name.endsWith(".cjs") && name !== "index.cjs");
    expect(bundled.length).toBeGreaterThan(0);
    expect(await readFile(join(dist, "jose.LICENSE.md"), "utf8")).toMatch(/MIT License[\s\S]*Filip Skokan/);
  }, 300_000);

  it.each([
    ["NodeNext modules, beside Express 5", "ts-nodenext"],
    ["CommonJS and the resolution of old, beside Express 4", "ts-commonjs"],
  ])(
    "type-check and work in TypeScript with %s",
    async (_with, project) => {
      const folder = await install(project, ["core", "fetch", "login", "express"]);
      expect(await findCores(folder)).toHaveLength(1);
      await run(process.execPath, [tsc, "-p", "."], folder);
      expect(await run(process.execPath, ["out/main.js"], folder)).toBe("200 true source_closed");
      // A token for a handler, a demanded and a started login, and the response to a closed source.
      expect(await run(process.execPath, ["out/app.js"], folder)).toBe("200 401 302 401");
    },
    300_000,
  );
});
