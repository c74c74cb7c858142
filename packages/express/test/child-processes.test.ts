import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { memoryStore, type StoreLock } from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { type ScriptFolder, scriptFolder } from "@talkdesk-oauth/fixtures/script-folder";
import { afterAll, beforeAll, expect, it } from "vitest";
import { signalled } from "./support/app.js";
import { type Browser, openBrowser } from "./support/browser.js";
import { whoIs } from "./support/login-stage.js";

/** Stores of tokens and sessions that processes share over HTTP, and a gate that a request waits at. */
async function serveStores() {
  const tokens = memoryStore();
  const locks = new Map<number, StoreLock>();
  const sessions = new Map<string, unknown>();
  const [reached, opened] = [signalled(), signalled()];
  // biome-ignore lint/suspicious/noExplicitAny: what each of them takes is the business of its two ends.
  const answers: Record<string, (...args: any[]) => unknown> = {
    "tokens/read": tokens.read,
    "tokens/write": tokens.write,
    "tokens/delete": tokens.delete,
    async "tokens/lock"(key: string, options: { ttlMs: number }) {
      const lock = await tokens.lock(key, options);
      if (lock !== undefined) locks.set(lock.fence, lock);
      return lock?.fence;
    },
    "tokens/release": (_key: string, fence: number) => locks.get(fence)?.release(),
    "sessions/get": (id: string) => sessions.get(id) ?? null,
    "sessions/set": (id: string, data: unknown) => void sessions.set(id, data),
    "sessions/destroy": (id: string) => void sessions.delete(id),
    async gate() {
      reached.give();
      await opened.given;
    },
  };
  const server = createServer(async (request, response) => {
    const args = JSON.parse(await text(request));
    response.end(JSON.stringify({ answer: await answers[request.url?.slice(1) ?? ""]?.(...args) }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sessions,
    reached: reached.given,
    open: () => opened.give(),
    async stop() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** How long a process takes a user for signed in without asking the token store again. */
const CHECK_INTERVAL_MS = 10_000;

const redirectUri = "https://app.example.com/auth/callback";
let talkdesk: Emulator;
let stores: Awaited<ReturnType<typeof serveStores>>;
let folder: ScriptFolder;
/** One browser's view of each process. */
let browsers: readonly [Browser, Browser];

beforeAll(async () => {
  folder = scriptFolder(new URL("../", import.meta.url));
  talkdesk = await startEmulator();
  stores = await serveStores();
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
  const script = readFileSync(new URL("support/child-app.mjs", import.meta.url), "utf8");
  const start = async (): Promise<Browser> => {
    const settings = {
      stores: stores.address,
      redirectUri,
      endpoints: talkdesk.endpoints(),
      clientId,
      clientSecret,
    };
    const child = folder.start(script, { SETTINGS: JSON.stringify(settings) });
    return openBrowser(await child.said(/^http:/));
  };
  browsers = await Promise.all([start(), start()]);
}, 60_000);

afterAll(async () => {
  folder?.[Symbol.dispose]();
  await stores.stop();
  await talkdesk.stop();
});

it("a logout at one process holds at another, whose slow request stores the session again", async () => {
  const [here, there] = browsers;
  const callback = new URL(await here.toTalkdesk());
  expect((await here.visit(`${callback.pathname}${callback.search}`)).status).toBe(302);
  expect((await here.visit("/me")).status).toBe(200);
  for (const [name, value] of here.cookies) there.cookies.set(name, value);
  expect((await there.visit("/me")).status).toBe(200);

  const running = here.visit("/slow");
  await stores.reached;
  expect((await there.visit("/auth/logout", { method: "POST" })).status).toBe(303);
  stores.open();
  expect((await running).status).toBe(200);
  expect(JSON.stringify([...stores.sessions.values()])).toContain("a slow page");
  expect(await whoIs(there)).toEqual({ isSignedIn: false, user: null });
  await here.visit(`/clock?aheadMs=${CHECK_INTERVAL_MS}`);
  expect((await here.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
  expect(await whoIs(here)).toEqual({ isSignedIn: false, user: null });
}, 90_000);
