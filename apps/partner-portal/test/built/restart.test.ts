import { setTimeout as delay } from "node:timers/promises";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { reservePort } from "@talkdesk-oauth/fixtures/reserved-port";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startPortalProcess } from "../support/portal-process.js";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.js";
import { type Answer, type Visitor, visitor } from "../support/visitor.js";

let talkdesk: Emulator;
let folder: TemporaryFolder;
let env: Readonly<Record<string, string>>;
let origin: string;
beforeEach(async () => {
  talkdesk = await startEmulator();
  folder = temporaryFolder();
  const port = await reservePort();
  origin = `http://localhost:${port}`;
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [`${origin}/auth/callback`] });
  env = {
    ...talkdesk.environment(),
    TALKDESK_CLIENT_ID: clientId,
    TALKDESK_CLIENT_SECRET: clientSecret,
    PORTAL_PORT: String(port),
    PORTAL_DATA: folder.path,
  };
});
afterEach(async () => {
  folder[Symbol.dispose]();
  await talkdesk.stop();
});

const grants = (): (string | null)[] =>
  talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"));

async function signIn(): Promise<Visitor> {
  const guest = visitor(origin);
  await guest.signIn();
  return guest;
}

/** Opens a page whose answer does not come, because the portal ends before. */
function openInVain(guest: Visitor): void {
  guest.visit("/contacts").catch(() => undefined);
}

/** Opens a page, again and again while it asks to try again later: a lock of a process that was killed ends by itself. */
async function open(guest: Visitor): Promise<Answer> {
  for (;;) {
    const answer = await guest.visit("/contacts");
    if (answer.status < 500) return answer;
    expect(answer.text).toContain("Try again");
    await delay(200);
  }
}

it("a portal that is killed while tokens are being refreshed asks nobody to sign in whose tokens are not lost", async () => {
  await using portal = await startPortalProcess(env);
  const [unanswered, lost, arrived] = [await signIn(), await signIn(), await signIn()];
  talkdesk.faults.revokeTokens();

  // Talkdesk receives this refresh token, and does not exchange it.
  talkdesk.faults.add({ at: "token", hang: true });
  openInVain(unanswered);
  await expect.poll(() => grants()).toHaveLength(4);
  // Talkdesk exchanges this one, so that it is used up, and the answer is on its way.
  talkdesk.faults.add({ at: "token", trickle: { chunkBytes: 1, everyMs: 60_000 } });
  openInVain(lost);
  await expect.poll(() => talkdesk.tokens.count()).toBe(4);
  // These new tokens have arrived, and the page that needs them is not finished.
  talkdesk.faults.add({ at: "api", skip: 1, hang: true });
  openInVain(arrived);
  await expect.poll(() => talkdesk.requests.to("api")).toHaveLength(4);

  expect(await portal.end("SIGKILL")).toBe("SIGKILL");
  await using next = await startPortalProcess(env);
  expect((await arrived.visit("/contacts")).status).toBe(200);
  const [page, refused] = await Promise.all([open(unanswered), open(lost)]);
  expect(page.status).toBe(200);
  expect(grants().filter((grant) => grant === "authorization_code")).toHaveLength(3);

  expect(refused.status).toBe(401);
  expect(refused.text).toContain('href="/auth/login?returnTo=%2Fcontacts">Sign in again');
  expect(next.lines.join("\n")).toContain("refresh_outcome_unknown");
  await lost.signIn();
  expect((await lost.visit("/contacts")).status).toBe(200);
});

it("a portal that is stopped while a token is being refreshed stores the answer before it ends", async () => {
  await using portal = await startPortalProcess(env);
  const guest = await signIn();
  talkdesk.faults.revokeTokens();
  talkdesk.faults.add({ at: "token", delayMs: 1_000 });
  openInVain(guest);
  await expect.poll(() => grants()).toHaveLength(2);
  expect(await portal.end("SIGTERM")).toBe(0);

  await using _next = await startPortalProcess(env);
  expect((await guest.visit("/contacts")).status).toBe(200);
  expect(grants()).toEqual(["authorization_code", "refresh_token"]);
});
