import { execFile, fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const run = promisify(execFile);
const workspace = fileURLToPath(new URL("../../..", import.meta.url));
const own = ["core", "fetch", "axios", "undici", "login", "express"];

/** The longest that one process may take. Most take a second or two. */
const LONGEST_MS = 120_000;

/** The subjects, each with the bare client that it sends with. */
export const SUBJECTS = {
  "bare-axios": "bare-axios",
  "talkdesk-axios": "bare-axios",
  "axios-auth-refresh": "bare-axios",
  "axios-token-interceptor": "bare-axios",
  "bare-fetch": "bare-fetch",
  "talkdesk-fetch": "bare-fetch",
  "badgateway-oauth2-client": "bare-fetch",
  "openid-client": "bare-fetch",
  "simple-oauth2": "bare-fetch",
  "msal-node": "bare-fetch",
  "google-auth-library": "bare-fetch",
  "azure-core-rest-pipeline": "bare-fetch",
  "bare-undici": "bare-undici",
  "talkdesk-undici": "bare-undici",
};

/** Express apps whose user has signed in; the first is the limit. */
export const APPS = ["express-session", "talkdesk-express", "express-openid-connect"];

/**
 * Installs the peers and the packed packages of this clone in a folder of their own, and starts the service.
 *
 * @param before A commit whose packages are measured as well, as `talkdesk-axios (before)` and so on.
 */
export async function openPeers(before) {
  const scratch = await mkdtemp(join(tmpdir(), "talkdesk-oauth-peers-"));
  const folders = { now: await installPeers(join(scratch, "now"), workspace) };
  if (before !== undefined) {
    const clone = join(scratch, "clone");
    await run("git", ["clone", "--quiet", workspace, clone]);
    await run("git", ["-C", clone, "checkout", "--quiet", before]);
    await pnpm(clone, ["install", "--frozen-lockfile", "--prefer-offline"]);
    await pnpm(clone, [
      "exec",
      "turbo",
      "run",
      "build",
      ...own.map((name) => `--filter=@talkdesk-oauth/${name}`),
    ]);
    folders.before = await installPeers(join(scratch, "before"), clone);
  }
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: join(folders.now, "certificate.pem") };
  const service = fork(join(folders.now, "service.mjs"), { env });
  const [origin] = await once(service, "message");
  async function runScript(script, name, ...more) {
    // "again" is the same subject a second time: what differs between the two is noise.
    const [subject, age] = name.split(" ");
    const folder = age === "(before)" ? folders.before : folders.now;
    const args = [join(folder, script), subject, ...more, origin];
    const runOnce = () => run(process.execPath, args, { env, maxBuffer: 1 << 24, timeout: LONGEST_MS });
    // Once more, since one process that the system kills would otherwise cost the whole measurement.
    const { stdout } = await runOnce().catch(runOnce);
    return JSON.parse(stdout);
  }
  return {
    /** Runs one subject in one scenario, in a process of its own. */
    measure: (name, scenario) => runScript("run-subject.mjs", name, scenario),
    /** Runs one of the Express apps in the same way. */
    measureApp: (name) => runScript("run-app.mjs", name),
    async close() {
      service.disconnect();
      await once(service, "exit");
      await rm(scratch, { recursive: true, force: true });
    },
  };
}

async function installPeers(folder, clone) {
  await cp(fileURLToPath(new URL("../peers", import.meta.url)), folder, { recursive: true });
  const filters = own.map((name) => `--filter=@talkdesk-oauth/${name}`);
  await pnpm(clone, [...filters, "pack", "--pack-destination", folder]);
  const tarballs = (await readdir(folder)).filter((name) => name.endsWith(".tgz"));
  const quiet = ["--no-audit", "--no-fund", "--no-package-lock", "--prefer-offline"];
  await run("npm", ["install", ...quiet, ...tarballs], { cwd: folder });
  const entryPoints = [join(workspace, "testing/fixtures/src/self-signed.ts")];
  await build({ entryPoints, outfile: join(folder, "self-signed.mjs"), format: "esm" });
  const { selfSigned } = await import(join(folder, "self-signed.mjs"));
  await writeFile(join(folder, "certificate.pem"), selfSigned.cert);
  return folder;
}

function pnpm(folder, args) {
  return run("npx", ["--yes", "pnpm@10.34.9", ...args], { cwd: folder, maxBuffer: 1 << 26 });
}
