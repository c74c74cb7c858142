import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import ts from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXAMPLE_OPTIONS, EXAMPLE_SETTINGS } from "./compiler-options.js";
import { browse, listens } from "./served-example.js";
import { findTypeFaults } from "./type-faults.js";

const workspace = fileURLToPath(new URL("../../..", import.meta.url));
// Inside this package, so that examples resolve what a user would have installed.
const scratch = fileURLToPath(new URL("../.examples", import.meta.url));

interface Example {
  readonly name: string;
  readonly from: string;
  readonly code: string;
}

async function markdownFiles(): Promise<string[]> {
  const folders = [
    ".",
    "docs",
    ...(await readdir(join(workspace, "packages"))).map((name) => `packages/${name}`),
  ];
  const files = await Promise.all(
    folders
      .filter((folder) => existsSync(join(workspace, folder)))
      .map(async (folder) =>
        (await readdir(join(workspace, folder)))
          .filter((name) => name.endsWith(".md") && name !== "CHANGELOG.md")
          .map((name) => join(workspace, folder, name)),
      ),
  );
  return files.flat();
}

async function examplesIn(file: string): Promise<Example[]> {
  const text = await readFile(file, "utf8");
  const from = relative(workspace, file);
  return [...text.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = ""], index) => ({
    name: `${from.replaceAll(/[/.]/g, "-").toLowerCase()}-${index + 1}`,
    from: `${from}, example ${index + 1}`,
    code,
  }));
}

// The apps of docs/web-frameworks.md are of several files each, and have a test of their own.
const examples = (await Promise.all((await markdownFiles()).map(examplesIn)))
  .flat()
  .filter(({ from }) => !from.startsWith("docs/web-frameworks.md"));
// An example of the suites is a test file, and runs in a runner of tests alone.
const ofReadmes = examples.filter(
  ({ from }) => basename(from).startsWith("README") && !from.startsWith("packages/conformance/"),
);
const served = ofReadmes.filter(({ code }) => /\.listen\(|\bserve\(/.test(code));
const onRedis = ofReadmes.filter(({ code }) => code.includes("REDIS_URL"));
const runnable = ofReadmes.filter((example) => !served.includes(example) && !onRedis.includes(example));
let talkdesk: Emulator;

beforeAll(async () => {
  talkdesk = await startEmulator();
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch);
  for (const { name, code } of examples) await writeFile(join(scratch, `${name}.mts`), code);
});

afterAll(async () => {
  await talkdesk?.stop();
  await rm(scratch, { recursive: true, force: true });
});

describe("the examples in the documentation", () => {
  it("are there", () => {
    expect(runnable.length).toBeGreaterThanOrEqual(4);
    expect(served.length).toBeGreaterThanOrEqual(3);
    expect(examples.length).toBeGreaterThan(runnable.length);
  });

  it("type-check", async () => {
    const files = examples.map(({ name }) => `${name}.mts`);
    expect(await findTypeFaults(scratch, files, EXAMPLE_SETTINGS)).toBe("");
  });

  it.each(runnable)("run: $from", (example) => runToItsEnd(example), 300_000);

  describe.skipIf(findRedisServer() === undefined)("with a Redis server", () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer();
    });
    afterAll(() => server?.stop());

    it.each(onRedis)(
      "run: $from",
      async (example) => {
        await runToItsEnd(example, { REDIS_URL: server.url });
        expect(await server.command("DBSIZE")).toBeGreaterThan(0);
        await server.command("FLUSHALL");
      },
      300_000,
    );
  });

  it.each(served)(
    "serve: $from",
    async (example) => {
      const port = await reservePort();
      const origin = `http://localhost:${port}`;
      const client = talkdesk.clients.add({ redirectUris: [`${origin}/auth/callback`] });
      const [, path = ""] = /app\.get\("([^"]+)"/.exec(example.code) ?? [];
      const hasLogin = example.code.includes("talkdeskLogin(");
      const app = startAgainstEmulator(await scriptOf(example), {
        PORT: String(port),
        TALKDESK_CLIENT_ID: client.clientId,
        TALKDESK_CLIENT_SECRET: client.clientSecret,
      });
      try {
        await Promise.race([listens(origin), app.ended]);
        const { status, text, redirects } = await browse(origin + path);
        expect([status, redirects]).toEqual([200, hasLogin ? 4 : 0]);
        expect(JSON.parse(text).total).toBeGreaterThan(0);
      } finally {
        app.stop();
      }
      const { said } = await app.ended;
      expect(said).not.toMatch(/error/i);
      expect(said).not.toContain(client.clientSecret);
    },
    300_000,
  );
});

async function runToItsEnd(example: Example, settings: Readonly<Record<string, string>> = {}): Promise<void> {
  const { code, said } = await startAgainstEmulator(await scriptOf(example), settings).ended;
  expect(said).not.toMatch(/error/i);
  expect(code).toBe(0);
  const { clientSecret, privateKey } = talkdesk.clients.get();
  for (const secret of [clientSecret, privateKey]) expect(said).not.toContain(secret);
}

/** Writes an example down as a script. */
async function scriptOf({ name, code }: Example): Promise<string> {
  const { outputText } = ts.transpileModule(code, {
    fileName: `${name}.mts`,
    compilerOptions: EXAMPLE_OPTIONS,
  });
  const script = join(scratch, `${name}.run.mjs`);
  await writeFile(script, outputText);
  return script;
}

/** Starts a script with the settings of a user, whose account happens to be the emulator's. */
function startAgainstEmulator(
  script: string,
  settings: Readonly<Record<string, string>> = {},
): { readonly ended: Promise<{ code: number | null; said: string }>; readonly stop: () => void } {
  const { clientId, clientSecret, keyId, privateKey } = talkdesk.clients.get();
  const eu = talkdesk.endpoints(undefined, "eu");
  const child = spawn(process.execPath, ["--import", redirectToEmulator(eu.token, eu.api), script], {
    // An example may write a file.
    cwd: scratch,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      NODE_OPTIONS: "",
      ACCOUNT: "acme",
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
      KEY_ID: keyId,
      PRIVATE_KEY: privateKey,
      STORE_SECRET: randomBytes(32).toString("base64"),
      ...talkdesk.environment(),
      ...settings,
    },
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const ended = once(child, "close").then(([code]) => ({ code, said: Buffer.concat(chunks).toString() }));
  return { ended, stop: () => void child.kill() };
}

/**
 * Sends what is meant for the EU's hosts to the emulator's instead, as a hosts file would: examples name real ones. An
 * assertion says whom it is meant for, so it is signed again for the emulator.
 */
function redirectToEmulator(token: string, api: string): string {
  const script = `
    import { createPrivateKey, sign } from "node:crypto";
    const fetch = globalThis.fetch;
    const realToken = "https://acme.talkdeskid.eu/oauth/token";
    globalThis.fetch = (input, init) => fetch(
      typeof input !== "string" ? input : input
        .replace(realToken, ${JSON.stringify(token)})
        .replace("https://api.talkdeskapp.eu", ${JSON.stringify(api)}),
      input === realToken ? { ...init, body: signedAnew(init.body) } : init);
    function signedAnew(body) {
      const form = new URLSearchParams(body);
      const [header, payload] = (form.get("client_assertion") ?? "").split(".");
      if (payload === undefined) return body;
      const claims = JSON.parse(Buffer.from(payload, "base64url"));
      if (claims.aud !== realToken) throw new Error("The assertion is meant for " + claims.aud);
      claims.aud = ${JSON.stringify(token)};
      const signed = header + "." + Buffer.from(JSON.stringify(claims)).toString("base64url");
      const der = Buffer.from(process.env.PRIVATE_KEY, "base64");
      const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
      const signature = sign("sha256", signed, { key, dsaEncoding: "ieee-p1363" });
      form.set("client_assertion", signed + "." + signature.toString("base64url"));
      return form.toString();
    }`;
  return `data:text/javascript,${encodeURIComponent(script)}`;
}
