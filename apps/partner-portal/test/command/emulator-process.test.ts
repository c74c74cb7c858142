import { once } from "node:events";
import { readdirSync, writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { connectToEmulator, hostEmulator } from "../../src/command/emulator-process.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** Runs an emulator until no portal has been connected for so long. */
async function host(lingerMs: number): Promise<{ readonly port: number; readonly ended: Promise<void> }> {
  let ended: Promise<void> = Promise.resolve();
  const port = await new Promise<number>((resolve, reject) => {
    ended = hostEmulator(folder.path, resolve, lingerMs);
    ended.catch(reject);
  });
  return { port, ended };
}

/** A script that ends at once, so that only an emulator that runs is found. */
const NO_SCRIPT = "/dev/null";

describe("the emulator of the portals", () => {
  it("gives all portals one client, which knows the redirect URIs of all", async () => {
    const { ended } = await host(1_000);
    using first = await connectToEmulator(folder.path, NO_SCRIPT);
    using second = await connectToEmulator(folder.path, NO_SCRIPT);
    const env = await first.register("http://localhost:3000/auth/callback");
    expect(await second.register("http://localhost:4000/auth/callback")).toEqual(env);
    for (const port of [3000, 4000]) {
      const query = new URLSearchParams({
        response_type: "code",
        client_id: env["TALKDESK_CLIENT_ID"] ?? "",
        redirect_uri: `http://localhost:${port}/auth/callback`,
        state: "a-state",
        scope: "openid",
      });
      expect((await fetch(`${env["TALKDESK_AUTHORIZE_URL"]}?${query}`)).status).toBe(200);
    }
    first[Symbol.dispose]();
    second[Symbol.dispose]();
    await ended;
  });

  it("lives while a portal is connected and a while longer, and takes its file with it", async () => {
    // So long that a busy machine connects again in time.
    const { ended } = await host(3_000);
    let hasEnded = false;
    void ended.then(() => {
      hasEnded = true;
    });
    const portal = await connectToEmulator(folder.path, NO_SCRIPT);
    await delay(3_500);
    portal[Symbol.dispose]();
    const again = await connectToEmulator(folder.path, NO_SCRIPT);
    expect(hasEnded).toBe(false);
    expect(readdirSync(folder.path)).toEqual(["emulator.json"]);
    again[Symbol.dispose]();
    await ended;
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("is one, when two portals start it at the same time", async () => {
    const hosts = await Promise.all([host(1_000), host(1_000)]);
    expect(new Set(hosts.map(({ port }) => port)).size).toBe(1);
    await Promise.all(hosts.map(({ ended }) => ended));
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it("is not mistaken for another program that has got its port", async () => {
    const other = createServer((socket) => socket.end("220 mail.example.com ESMTP\n"));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as AddressInfo;
    writeFileSync(join(folder.path, "emulator.json"), JSON.stringify({ port }));
    await expect(connectToEmulator(folder.path, NO_SCRIPT)).rejects.toThrow(/^The emulator ended as soon/);
    other.close();
  });
});
