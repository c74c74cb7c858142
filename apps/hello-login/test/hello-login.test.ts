import { Server } from "node:http";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import { afterEach, expect, it, vi } from "vitest";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it("shows the contacts of the user who signs in", async () => {
  await using talkdesk = await startEmulator();
  const origin = `http://localhost:${await reservePort()}`;
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [`${origin}/auth/callback`] });
  const environment = {
    ...talkdesk.environment(),
    TALKDESK_CLIENT_ID: clientId,
    TALKDESK_CLIENT_SECRET: clientSecret,
    PORT: new URL(origin).port,
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  const say = vi.spyOn(console, "log").mockReturnValue();
  await using _server = await startApp();
  await expect.poll(() => say.mock.calls).toEqual([[`Open ${origin}/contacts in a browser.`]]);
  const { visited, status, text } = await browse(`${origin}/contacts`);
  expect(visited.map(({ pathname }) => pathname)).toEqual([
    "/contacts",
    "/auth/login",
    "/us/acme/oauth/authorize",
    "/auth/callback",
    "/contacts",
  ]);
  expect(status).toBe(200);
  expect(JSON.parse(text).total).toBeGreaterThan(0);
});

/** Starts the app in this process. The app exports nothing, so a spy finds the server that the test has to close. */
async function startApp(): Promise<Server> {
  const listen = vi.spyOn(Server.prototype, "listen");
  await import("../src/main.js");
  const [server] = listen.mock.contexts as Server[];
  if (server === undefined) throw new Error("The app does not listen.");
  return server;
}

/** Opens a page as a browser does: follows redirects and keeps the cookies of each host. */
async function browse(
  address: string,
): Promise<{ readonly visited: readonly URL[]; readonly status: number; readonly text: string }> {
  const cookies = new Map<string, string[]>();
  const visited = [new URL(address)];
  for (;;) {
    const url = visited.at(-1) ?? new URL(address);
    const cookie = cookies.get(url.host)?.join("; ") ?? "";
    const response = await fetch(url, { redirect: "manual", headers: { accept: "text/html", cookie } });
    const received = response.headers.getSetCookie().map((line) => line.split(";", 1)[0] ?? "");
    if (received.length > 0) cookies.set(url.host, received);
    const location = response.headers.get("location");
    if (location === null) return { visited, status: response.status, text: await response.text() };
    if (visited.length > 10) throw new Error(`${address} redirects without end`);
    await response.body?.cancel();
    visited.push(new URL(location, url));
  }
}
