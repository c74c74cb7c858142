import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memoryStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { type Emulator, type RequestRecord, startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";
import axios from "axios";
import express from "express";
import session from "express-session";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { Browser } from "./support/browser.js";
import { OPERATIONS } from "./support/operations.js";
import { useEnvironment } from "./support/use-environment.js";

const JANUARY = { from: "2024-01-01T00:00:00.000Z", to: "2024-01-31T23:59:59.999Z" };
const POLL_MS = 5;

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ operations: OPERATIONS });
  useEnvironment(talkdesk.environment());
});
afterAll(() => talkdesk.stop());
beforeEach(() => talkdesk.requests.clear());

/** The token requests so far: the grant and the scope of each, and how it ended. */
const tokenRequests = () =>
  talkdesk.requests
    .to("token")
    .map(({ form, status }) => `${form.get("grant_type")} ${form.get("scope") ?? "all"} ${status}`);

const apiRequests = () => talkdesk.requests.to("api").map(describeRequest);
const describeRequest = ({ method, url, status }: RequestRecord) => `${method} ${url} ${status}`;

it("has a job of each kind, in ten lines at most", async () => {
  const folder = new URL("../jobs/", import.meta.url);
  const names = await readdir(folder);
  expect(names.length).toBe(18);
  for (const name of names) {
    const lines = (await readFile(new URL(name, folder), "utf8")).split("\n");
    const code = lines.filter((line) => line.trim() !== "" && !line.startsWith("//"));
    expect([name, code.length <= 10]).toEqual([name, true]);
  }
});

it("downloads the recordings of a call", async () => {
  const { downloadRecordings } = await import("../jobs/download-recordings.js");
  const folder = await mkdtemp(join(tmpdir(), "recordings-"));
  try {
    await downloadRecordings("0123456789abcdef0123456789abcdef", folder);
    const [name = "", ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect((await readFile(join(folder, name))).subarray(0, 4).toString()).toBe("RIFF");
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(tokenRequests()).toEqual(["client_credentials recordings:read 200"]);
  expect(
    talkdesk.requests.to("files").map(({ status, headers }) => [status, headers["authorization"]]),
  ).toEqual([[200, undefined]]);
});

it("reads a report of Explore", async () => {
  const { runReport } = await import("../jobs/explore-report.js");
  const rows = await runReport("calls", JANUARY, POLL_MS);
  expect(rows).toHaveLength(40);
  expect(rows[0].start_at).toMatch(/^2024-01-/);
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("requests a callback", async () => {
  const { requestCallback } = await import("../jobs/request-callback.js");
  expect((await requestCallback("+12025550190", "+12025550191")).status).toBe(200);
  expect(tokenRequests()).toEqual(["client_credentials callback:write 200"]);
});

it("adds a contact once", async () => {
  const { syncContact } = await import("../jobs/sync-contacts.js");
  const added = await syncContact({ name: "Ada Lovelace" });
  expect(await syncContact({ name: "Ada Lovelace" })).toEqual(added);
  expect(apiRequests().map((request) => request.split("?")[0])).toEqual([
    "GET /contacts",
    "POST /contacts 201",
    "GET /contacts",
  ]);
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

const scimUser = (userName: string, familyName = "Hopper") => ({
  schemas: ["urn:ietf:params:scim:schemas:core:2.0:User"],
  userName,
  name: { givenName: "Grace", familyName },
  active: true,
});

it("adds users by SCIM, no faster than it takes them", async () => {
  const { addUser } = await import("../jobs/provision-users.js");
  const names = ["a", "b", "c", "d", "e"].map((letter) => `${letter}@example.com`);
  const added = await Promise.all(names.map((name) => addUser(scimUser(name))));
  expect(added.map(({ userName }) => userName)).toEqual(names);
  expect(apiRequests()).toContain("POST /scim/v2/Users 429");
  expect(tokenRequests()).toEqual(["client_credentials scim 200"]);
});

it("uploads a document to the knowledge base", async () => {
  const { uploadDocument } = await import("../jobs/upload-document.js");
  expect(await uploadDocument("486d70ae", "refunds.md", "# Refunds")).toEqual({
    source: "486d70ae",
    name: "refunds.md",
    type: "text/markdown",
    text: "# Refunds",
  });
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("starts a Studio flow", async () => {
  const { startFlow } = await import("../jobs/start-flow.js");
  expect(await startFlow("92557c02", { to: "+12025550190" })).toEqual({
    flow: "92557c02",
    to: "+12025550190",
  });
  expect(tokenRequests()).toEqual(["client_credentials flows-interactions:start 200"]);
});

it("approves an installation, with a signed JWT", async () => {
  const { keyId, privateKey } = talkdesk.clients.get();
  useEnvironment({ TALKDESK_CLIENT_SECRET: "", TALKDESK_KEY_ID: keyId, TALKDESK_PRIVATE_KEY: privateKey });
  const { approve } = await import("../jobs/approve-installation.js");
  useEnvironment({ ...talkdesk.environment(), TALKDESK_KEY_ID: "", TALKDESK_PRIVATE_KEY: "" });
  const response = await approve("my-app", "4f1c");
  expect(await response.json()).toEqual({ app_id: "my-app", installation_id: "4f1c", state: "approve" });
  expect(tokenRequests()).toEqual(["client_credentials apps:write 200"]);
  const [request] = talkdesk.requests.to("token");
  expect([request?.clientId, request?.form.has("client_assertion")]).toEqual([undefined, true]);
});

it("gives a page the token of its user", async () => {
  const { tokenForPage } = await import("../jobs/token-for-page.js");
  const app = express();
  const server = app.listen(0, "127.0.0.1");
  try {
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const redirectUri = `${origin}/auth/callback`;
    const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [redirectUri] });
    const env = {
      ...talkdesk.environment(),
      TALKDESK_CLIENT_ID: clientId,
      TALKDESK_CLIENT_SECRET: clientSecret,
    };
    let aheadMs = 0;
    const clock = {
      now: () => Date.now() + aheadMs,
      monotonic: () => performance.now() + aheadMs,
      setTimeout: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs),
    };
    const client = talkdeskClientFromEnv(env, { clock });
    const login = talkdeskLogin({ client, redirectUri, store: memoryStore(), contact: "help@example.com" });
    app.use(session({ secret: crypto.randomUUID(), resave: false, saveUninitialized: false }));
    app.use("/auth", login);
    app.use(tokenForPage(login, origin));
    app.use(talkdeskErrorHandler({ login: "/auth/login" }));

    const browser = new Browser();
    const askForToken = (from: string) =>
      browser.send(`${origin}/token`, { method: "POST", headers: { origin: from } });
    expect((await askForToken(origin)).status).toBe(401);
    await browser.open(`${origin}/auth/login?returnTo=/`);
    expect((await askForToken("https://evil.example")).status).toBe(403);
    // The token of the login lives another four minutes, which is too short for the page.
    aheadMs = 360_000;
    const answer = await askForToken(origin);
    expect([answer.status, answer.headers.get("cache-control")]).toEqual([200, "no-store"]);
    const { value, expiresAt } = (await answer.json()) as { value: string; expiresAt: number };
    expect(expiresAt - clock.now()).toBeGreaterThan(300_000);
    const headers = { authorization: `Bearer ${value}` };
    expect((await fetch(`${talkdesk.endpoints().api}/users/me`, { headers })).status).toBe(200);
    expect(tokenRequests()).toEqual(["authorization_code all 200", "refresh_token all 200"]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

it("serves calls of a serverless function with one token", async () => {
  const { handler } = await import("../jobs/serverless-function.js");
  const call = () => handler({ pathParameters: { id: "nobody" } });
  const answers = [...(await Promise.all([call(), call()])), await call()];
  expect(answers.map(({ statusCode, body }) => `${statusCode} ${JSON.parse(body).message}`)).toEqual(
    Array(3).fill("404 User not found"),
  );
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("carries a directory over to SCIM, in another region", async () => {
  useEnvironment(talkdesk.environment("acme", "eu"));
  const { upsertUser } = await import("../jobs/ldap-bridge.js");
  useEnvironment(talkdesk.environment());
  const { id } = (await upsertUser(scimUser("grace@example.com"))) as { id: string };
  expect(await upsertUser(scimUser("grace@example.com", "Murray"))).toMatchObject({
    id,
    name: { familyName: "Murray" },
  });
  const [tokenRequest, ...others] = talkdesk.requests.to("token");
  expect(others).toEqual([]);
  expect([tokenRequest?.region, tokenRequest?.form.get("token_type")]).toEqual(["eu", "opaque"]);
});

it("finds contacts in a service of NestJS", async () => {
  const { ContactsService } = await import("../jobs/nest-contacts-service.js");
  const service = new ContactsService({ axiosRef: axios.create() });
  const [first] = await service.findByName("");
  expect(await service.findByName(first.name)).toContainEqual(first);
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("answers in a route handler of Next", async () => {
  const { GET } = await import("../jobs/next-route.js");
  const answer = await GET(new Request("http://localhost:3000/api/users?page=2"));
  expect(await answer.json()).toMatchObject({ page: 2, count: 5 });
  expect(tokenRequests()).toEqual(["client_credentials users:read 200"]);
});

it("lists phone numbers with undici", async () => {
  const { listPhoneNumbers } = await import("../jobs/list-phone-numbers.js");
  expect(await listPhoneNumbers()).toHaveLength(4);
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("lists all users, page by page", async () => {
  const { listUsers } = await import("../jobs/list-users.js");
  const ids = new Set<string>();
  for await (const user of listUsers()) ids.add((user as { id: string }).id);
  expect([ids.size, apiRequests().length]).toEqual([60, 3]);
  expect(tokenRequests()).toEqual(["client_credentials users:read 200"]);
});

it("reads how long users were in which status", async () => {
  const { readStatuses } = await import("../jobs/user-status-report.js");
  const [header, ...rows] = await readStatuses(JANUARY, POLL_MS);
  expect([header.split(",").includes("user_id"), rows.length]).toEqual([true, 40]);
  expect(tokenRequests()).toEqual(["client_credentials all 200"]);
});

it("ends the session of a user", async () => {
  const { access_token: token } = await logIn();
  const headers = { authorization: `Bearer ${token}` };
  const own = await fetch(`${talkdesk.endpoints().api}/users/me`, { headers });
  const { sub } = (await own.json()) as { sub: string };
  talkdesk.requests.clear();
  const { signOut } = await import("../jobs/end-user-session.js");
  await signOut(sub);
  expect((await fetch(`${talkdesk.endpoints().api}/users/me`, { headers })).status).toBe(401);
  expect(tokenRequests()).toEqual(["client_credentials user-session-public:end 200"]);
});

/** A login of the first user, without these packages. */
async function logIn(): Promise<{ access_token: string }> {
  const { clientId, clientSecret, redirectUris } = talkdesk.clients.get();
  const { code } = await talkdesk.authorize();
  const form = { grant_type: "authorization_code", code, redirect_uri: redirectUris[0] ?? "" };
  const auth = { username: clientId, password: clientSecret };
  return (await axios.post(talkdesk.endpoints().token, new URLSearchParams(form), { auth })).data;
}
