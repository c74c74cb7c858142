import { once } from "node:events";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";
import { runPortal } from "../../src/command/run-portal.js";
import type { Environment } from "../../src/command/settings.js";
import { locationOf, visitor } from "../support/visitor.js";

/** A run of the portal, as a person sees it. */
function portalRun(env: Environment) {
  const stopping = new AbortController();
  const lines: string[] = [];
  const complaints: string[] = [];
  let started: (origin: string) => void = () => undefined;
  const origin = new Promise<string>((resolve) => {
    started = resolve;
  });
  const code = runPortal({
    env,
    write(line) {
      lines.push(line);
      const [, found] = /^The partner portal is at (\S+)$/.exec(line) ?? [];
      if (found !== undefined) started(found);
    },
    complain: (line) => complaints.push(line),
    signal: stopping.signal,
  });
  return { origin, code, lines, complaints, stop: () => stopping.abort() };
}

describe("the portal as a command", () => {
  it("starts with an emulator, lets users in through its page, and stops while a report is being watched", async () => {
    const run = portalRun({ PORTAL_PORT: "0" });
    const origin = await run.origin;
    expect(origin).toMatch(/^http:\/\/localhost:\d+$/);
    expect(run.lines.join("\n")).toContain("It uses an emulator of Talkdesk on this machine");

    const guest = visitor(origin);
    const loginPage = locationOf(await guest.visit("/auth/login?returnTo=/reports"));
    const [, user = ""] = /name="user" value="(\w+)"/.exec((await guest.visit(loginPage)).text) ?? [];
    const callback = locationOf(await guest.visit(loginPage, { form: { user } }));
    expect(locationOf(await guest.visit(callback))).toBe("/reports");
    const report = locationOf(
      await guest.visit("/reports", { form: { from: "2026-01-01", to: "2026-01-02" } }),
    );
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const watching = await fetch(new URL(`${report}/events`, origin), { headers: { cookie } });
    expect(watching.status).toBe(200);
    const isCut = expect(watching.text()).rejects.toThrow("terminated");
    run.stop();
    expect(await run.code).toBe(0);
    await isCut;
    await expect(guest.visit("/")).rejects.toThrow(/ECONNREFUSED/);
    expect(run.complaints).toEqual([]);
  });

  it("redirects from 127.0.0.1 to localhost, to which the login returns", async () => {
    const run = portalRun({ PORTAL_PORT: "0" });
    const { port } = new URL(await run.origin);
    const answer = await visitor(`http://127.0.0.1:${port}`).visit("/contacts?q=a");
    expect(locationOf(answer)).toBe(`http://localhost:${port}/contacts?q=a`);
    // As proxies are asked: such an address is no path, and nothing to put behind an origin.
    const asked = request({
      port,
      path: "http://evil.example/x",
      headers: { host: `127.0.0.1:${port}` },
    }).end();
    const [{ statusCode, headers }] = (await once(asked, "response")) as [IncomingMessage];
    expect([statusCode, headers.location]).toEqual([404, undefined]);
    const strange = await visitor(await run.origin).visit("/", { headers: { host: "evil.example" } });
    expect(strange.status).toBe(200);
    run.stop();
    expect(await run.code).toBe(0);
  });

  it("uses the Talkdesk that the environment names, and says which redirect URI to register there", async () => {
    await using talkdesk = await startEmulator();
    const { clientSecret } = talkdesk.clients.get();
    const run = portalRun({
      PORTAL_PORT: "0",
      PORTAL_ORIGIN: "https://portal.example.com",
      ...talkdesk.environment(),
    });
    expect(await run.origin).toBe("https://portal.example.com");
    const said = run.lines.join("\n");
    expect(said).toContain("https://portal.example.com/auth/callback");
    expect(said).not.toContain(clientSecret);
    run.stop();
    expect(await run.code).toBe(0);
  });
});

describe("an error of one sentence and exit code 1", () => {
  async function sentence(env: Environment): Promise<string> {
    const run = portalRun(env);
    expect(await run.code).toBe(1);
    expect(run.lines).toEqual([]);
    expect(run.complaints).toHaveLength(1);
    return run.complaints[0] ?? "";
  }

  it("follows from a missing setting", async () => {
    expect(await sentence({ TALKDESK_ACCOUNT: "acme", PORTAL_PORT: "0" })).toMatch(
      /^Set TALKDESK_CLIENT_ID and TALKDESK_CLIENT_SECRET/,
    );
  });

  it("follows from an invalid origin, and from a short secret, which is not repeated", async () => {
    expect(await sentence({ PORTAL_PORT: "0", PORTAL_ORIGIN: "https://portal.example.com/app" })).toMatch(
      /^PORTAL_ORIGIN must be an https origin without a path/,
    );
    const said = await sentence({ PORTAL_PORT: "0", PORTAL_SESSION_SECRET: "hunter2" });
    expect(said).toBe(
      "PORTAL_SESSION_SECRET: A secret must be a random string of 32 characters or more; make one with: openssl rand -base64 32",
    );
  });

  it("follows from a port that is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    expect(await sentence({ PORTAL_PORT: String(port) })).toBe(
      `Port ${port} is in use; set PORTAL_PORT to another.`,
    );
    other.close();
  });
});
