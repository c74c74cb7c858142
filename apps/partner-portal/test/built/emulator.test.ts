import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startPortalProcess } from "../support/portal-process.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { locationOf, visitor } from "../support/visitor.js";

let folder: TemporaryFolder;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const emulatorPid = (): number => JSON.parse(readFileSync(join(folder.path, "emulator.json"), "utf8")).pid;

it("the emulator of the command outlives the portal, so that its users stay signed in", async () => {
  const env = { PORTAL_DATA: folder.path, PORTAL_PORT: String(await reservePort()) };
  await using first = await startPortalProcess(env);
  const pid = emulatorPid();
  try {
    const guest = visitor(first.origin);
    const loginPage = locationOf(await guest.visit("/auth/login?returnTo=/profile"));
    const [, user = ""] = /name="user" value="(\w+)"/.exec((await guest.visit(loginPage)).text) ?? [];
    await guest.visit(locationOf(await guest.visit(loginPage, { form: { user } })));
    expect((await guest.visit("/profile")).status).toBe(200);

    await first.end("SIGKILL");
    await using second = await startPortalProcess(env);
    expect((await guest.visit("/profile")).status).toBe(200);
    expect(await second.end("SIGTERM")).toBe(0);
    await using _third = await startPortalProcess(env);
    expect((await guest.visit("/profile")).status).toBe(200);
    expect(emulatorPid()).toBe(pid);
  } finally {
    process.kill(pid);
  }
});
