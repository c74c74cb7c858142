import { randomBytes } from "node:crypto";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";
import { CALLS } from "./call-when-told.js";
import { type Child, childProcesses } from "./child-processes.js";
import { formatTable } from "./format-table.js";
import type { SharedStore } from "./shared-store.js";

/** The grants, and what the example uses each for. */
const PURPOSES: Readonly<Record<string, string>> = {
  authorization_code: "the user signed in",
  client_credentials: "the app's token, for all calls of all processes",
  refresh_token: "the user's token, after it was revoked, for all calls of all processes",
};

/** What the run needs. */
export interface Surroundings {
  readonly store: SharedStore;
  readonly write: (line: string) => void;
  /** Ends the run early, by a rejection. */
  readonly signal: AbortSignal;
}

/**
 * Runs the example: a user signs in at a portal, three workers use the same session and one token of the app, one of them
 * is killed, and the user's token is revoked. Then shows how often the token endpoint was asked.
 *
 * @throws Error (rejection) when a call failed, or a grant was requested more than once.
 */
export async function runManyProcesses({ store, write, signal }: Surroundings): Promise<void> {
  await using talkdesk = await startEmulator();
  const [clientId, clientSecret] = ["many-processes", randomBytes(32).toString("base64url")];
  const client = { TALKDESK_CLIENT_ID: clientId, TALKDESK_CLIENT_SECRET: clientSecret };
  const env = { ...process.env, ...talkdesk.environment(), ...client, ...store.env };
  await using children = childProcesses(env, signal);

  write(`The processes share ${store.description}.`);
  const portal = await children.start("portal", "portal");
  talkdesk.clients.add({ clientId, clientSecret, redirectUris: [`${portal.origin}/callback`] });
  const user = await signIn(portal);
  write(`… ${user.name} signs in at the portal`);

  const first = await children.start("worker", "worker 1");
  await children.start("worker", "worker 2");
  await children.start("worker", "worker 3");
  await children.makeCalls();
  write(`… three workers start; they and the portal make ${CALLS} calls each, all at the same time`);

  talkdesk.faults.add({ at: "api", times: Number.POSITIVE_INFINITY, delayMs: 500 });
  const calls = children.makeCalls();
  const isInFlight = ({ to, status }: RequestRecord): boolean => to === "api" && status === undefined;
  await talkdesk.requests.waitFor(isInFlight, { timeoutMs: 60_000 });
  first.kill();
  await calls;
  talkdesk.faults.clear();
  write("… they do it again, and worker 1 is killed in the middle");

  await children.start("worker", "worker 4");
  talkdesk.faults.revokeTokens({ userId: user.id });
  await children.makeCalls();
  write("… worker 4 takes its place; the user's token is revoked, and they do it again");

  await fetch(`${portal.origin}/logout`, { method: "POST" });
  write(`… ${user.name} signs out`);

  report(talkdesk, children.all, write);
}

/** The browser's part of the login. The emulator signs its first user in without a page. */
async function signIn(portal: Child): Promise<{ readonly id: string; readonly name: string }> {
  const response = await fetch(`${portal.origin}/login`);
  if (response.status !== 200) throw new Error(`The login failed: ${await response.text()}`);
  return (await response.json()) as { id: string; name: string };
}

/** Says how many calls each process made, and how often the token endpoint was asked. */
function report(talkdesk: Emulator, children: readonly Child[], write: (line: string) => void): void {
  const processes = children.map(({ name, calls, answered, isAlive }) => [
    ...[name, String(calls), String(answered)],
    isAlive ? "" : "killed",
  ]);
  const grants = talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"));
  const requests = Object.entries(PURPOSES).map(([grant, purpose]) => ({
    grant,
    count: grants.filter((name) => name === grant).length,
    purpose,
  }));
  write("");
  for (const line of formatTable([["process", "calls", "answered", ""], ...processes])) write(line);
  write("");
  const rows = requests.map(({ grant, count, purpose }) => [grant, String(count), purpose]);
  for (const line of formatTable([["grant", "requests", "what for"], ...rows])) write(line);

  const failed = children.find(({ isAlive, calls, answered }) => isAlive && answered < calls);
  if (failed !== undefined) throw new Error(`Calls of ${failed.name} failed.`);
  const repeated = requests.find(({ count }) => count !== 1);
  if (repeated !== undefined)
    throw new Error(`The grant ${repeated.grant} was requested ${repeated.count} times.`);
}
