import { once } from "node:events";
import { readdirSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { createServer } from "node:net";
import { join } from "node:path";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runPortal } from "../../src/command/run-portal.js";
import type { Environment } from "../../src/command/settings.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { locationOf, type Visitor, visitor } from "../support/visitor.js";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

/** A run of the portal, as a person sees it. */
function portalRun(env: Environment, args: readonly string[] = []) {
  const stopping = new AbortController();
  const lines: string[] = [];
  const complaints: string[] = [];
  let started: (origin: string) => void = () => undefined;
  const origin = new Promise<string>((resolve) => {
    started = resolve;
  });
  const code = runPortal({
    args,
    env,
    dataFolder: join(folder.path, "data"),
    // Tests on the sources have no script to start; test/built/ has.
    emulatorScript: "",
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
    const run = portalRun({ PORTAL_PORT: "0" }, ["--memory"]);
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
    const run = portalRun({ PORTAL_PORT: "0" }, ["--memory"]);
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

describe("a portal that starts again", () => {
  let talkdesk: Emulator;
  beforeEach(async () => {
    talkdesk = await startEmulator();
  });
  afterEach(() => talkdesk.stop());

  /** The settings of a portal on a free port. */
  async function settings(): Promise<{ readonly origin: string; readonly env: Environment }> {
    const port = await reservePort();
    const origin = `http://localhost:${port}`;
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [`${origin}/auth/callback`] });
    return {
      origin,
      env: {
        ...talkdesk.environment(),
        TALKDESK_CLIENT_ID: clientId,
        TALKDESK_CLIENT_SECRET: clientSecret,
        PORTAL_PORT: String(port),
      },
    };
  }

  /** Runs the portal while `work` goes on. */
  async function during(run: ReturnType<typeof portalRun>, work: () => Promise<void>): Promise<void> {
    await run.origin;
    await work();
    run.stop();
    expect(await run.code).toBe(0);
  }

  const statusOf = async (guest: Visitor): Promise<number> => (await guest.visit("/contacts")).status;

  it("keeps its users: nobody signs in again, and no token is requested", async () => {
    const { origin, env } = await settings();
    const guest = visitor(origin);
    const first = portalRun(env);
    await during(first, async () => {
      await guest.signIn();
      expect(await statusOf(guest)).toBe(200);
    });
    const second = portalRun(env);
    await during(second, async () => expect(await statusOf(guest)).toBe(200));
    expect(talkdesk.requests.to("token")).toHaveLength(1);
    expect([...first.complaints, ...second.complaints]).toEqual([]);
    expect(second.lines.join("\n")).toContain(join(folder.path, "data", "portal.db"));
  });

  it("keeps a logout, too", async () => {
    const { origin, env } = await settings();
    const guest = visitor(origin);
    await during(portalRun(env), async () => {
      await guest.signIn();
      const cookies = new Map(guest.cookies);
      await guest.visit("/auth/logout", { form: {} });
      for (const [name, value] of cookies) guest.cookies.set(name, value);
    });
    await during(portalRun(env), async () => expect(await statusOf(guest)).toBe(302));
  });

  it("shares its users with a second portal on the same file, which is running", async () => {
    const { origin, env } = await settings();
    const other = await settings();
    // One address in front of both, and so the same client, redirect URI and cookies.
    const second = { ...env, PORTAL_ORIGIN: origin, PORTAL_PORT: other.env["PORTAL_PORT"] };
    const guest = visitor(origin);
    await during(portalRun(env), () =>
      during(portalRun(second), async () => {
        await guest.signIn();
        const there = visitor(other.origin);
        for (const [name, value] of guest.cookies) there.cookies.set(name, value);
        talkdesk.faults.revokeTokens();
        expect(await Promise.all([guest, there, guest, there].map(statusOf))).toEqual([200, 200, 200, 200]);
        const grants = talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"));
        expect(grants).toEqual(["authorization_code", "refresh_token"]);
      }),
    );
  });

  it("says so when its secret is another: its users sign in again, and nothing is deleted", async () => {
    const { origin, env } = await settings();
    const guest = visitor(origin);
    await during(portalRun(env), async () => void (await guest.signIn()));
    const cookies = new Map(guest.cookies);
    const other = portalRun({ ...env, PORTAL_SESSION_SECRET: "another-secret-of-the-tests-of-7f3a" });
    await during(other, async () => expect(await statusOf(guest)).toBe(302));
    expect(other.complaints.join("\n")).toMatch(
      /portal\.db was written with another secret, so everybody has to sign in again\. Nothing was deleted/,
    );
    for (const [name, value] of cookies) guest.cookies.set(name, value);
    await during(portalRun(env), async () => expect(await statusOf(guest)).toBe(200));
  });

  it("with --memory forgets them, and makes no file", async () => {
    const { origin, env } = await settings();
    const guest = visitor(origin);
    await during(portalRun(env, ["--memory"]), async () => {
      await guest.signIn();
      expect(await statusOf(guest)).toBe(200);
    });
    await during(portalRun(env, ["--memory"]), async () => expect(await statusOf(guest)).toBe(302));
    expect(readdirSync(folder.path)).toEqual([]);
  });
});

describe("an error of one sentence and exit code 1", () => {
  async function sentence(env: Environment, args: readonly string[] = []): Promise<string> {
    const run = portalRun(env, args);
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

  it("follows from an argument that is unknown, and from a folder that cannot be made", async () => {
    expect(await sentence({}, ["--memroy"])).toMatch(/^The only argument of the portal is --memory/);
    expect(await sentence({ PORTAL_DATA: "/dev/null/data" })).toMatch(
      /^The portal cannot keep its sessions in \/dev\/null\/data\. ENOTDIR/,
    );
  });

  it("follows from a port that is in use", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const { port } = other.address() as { port: number };
    expect(await sentence({ PORTAL_PORT: String(port) }, ["--memory"])).toBe(
      `Port ${port} is in use; set PORTAL_PORT to another.`,
    );
    other.close();
  });
});
