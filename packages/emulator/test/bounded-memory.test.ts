import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, requestBearer, requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

const MIB = 2 ** 20;

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
beforeEach(() => talkdesk.requests.clear());
afterAll(() => talkdesk.stop());

const countKeptBytes = (): number => talkdesk.requests.all.reduce((sum, { body }) => sum + body.length, 0);

describe("what clients send", () => {
  it("takes 64 MiB of bodies at most, and 8 MiB of one", async () => {
    const body = Buffer.alloc(9 * MIB, "a");
    const { token } = talkdesk.endpoints();
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    for (let count = 0; count < 10; count += 1) {
      expect((await send(token, { method: "POST", headers, body })).status).toBe(400);
    }
    const records = talkdesk.requests.all;
    expect(records.map(({ bodyBytes }) => bodyBytes)).toEqual(Array(10).fill(body.length));
    expect(countKeptBytes()).toBe(64 * MIB);
    expect(records.at(-1)?.body).toHaveLength(8 * MIB);
    expect(records[0]?.body).toHaveLength(0);
    expect(records[0]?.bodySha256).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("stays whole in the log until others need the room", async () => {
    await requestToken(talkdesk);
    const { token } = talkdesk.endpoints();
    const body = Buffer.alloc(8 * MIB, "a");
    for (let count = 0; count < 7; count += 1) await send(token, { method: "POST", body });
    expect(talkdesk.requests.all[0]?.text).toBe("grant_type=client_credentials");
    await send(token, { method: "POST", body });
    expect(talkdesk.requests.all[0]?.text).toBe("");
    expect(talkdesk.requests.all[0]?.bodyBytes).toBe(29);
  });

  it("stays in a record that is still referenced after the log is cleared", async () => {
    await requestToken(talkdesk);
    const [record] = talkdesk.requests.all;
    talkdesk.requests.clear();
    const body = Buffer.alloc(8 * MIB, "a");
    for (let count = 0; count < 9; count += 1) {
      await send(talkdesk.endpoints().token, { method: "POST", body });
    }
    expect(record?.text).toBe("grant_type=client_credentials");
  });

  it("pushes the oldest requests out of the log when headers are long", async () => {
    const { jwks } = talkdesk.endpoints();
    const headers = { "x-long": "x".repeat(15_000) };
    for (let count = 0; count < 1_200; count += 1) await send(`${jwks}?n=${count}`, { headers });
    const records = talkdesk.requests.all;
    expect(records.length).toBeLessThan(1_200);
    expect(records.length).toBeGreaterThan(1_000);
    expect(records.at(-1)?.url).toMatch(/n=1199$/);
  });

  it("is refused when a body is long, but not by echo", async () => {
    const headers = { ...(await requestBearer(talkdesk)), "content-type": "application/json" };
    const { api, authorize } = talkdesk.endpoints();
    const body = JSON.stringify({ name: "n".repeat(70_000) });
    expect((await send(`${api}/contacts`, { method: "POST", headers, body })).status).toBe(413);
    expect((await send(`${api}/echo`, { method: "POST", headers, body })).status).toBe(200);
    const introspect = authorize.replace("/authorize", "/introspect");
    expect((await send(introspect, { method: "POST", body })).status).toBe(413);
  });

  it("is hashed by echo even when it is not kept", async () => {
    const headers = await requestBearer(talkdesk);
    const body = Buffer.alloc(9 * MIB, "abc");
    const { json } = await send(`${talkdesk.endpoints().api}/echo`, { method: "POST", headers, body });
    expect(json.bodyBytes).toBe(body.length);
    expect(json.bodySha256).toBe(createHash("sha256").update(body).digest("hex"));
  });

  it("adds a limited number of contacts", async () => {
    const headers = { ...(await requestBearer(talkdesk)), "content-type": "application/json" };
    const { api } = talkdesk.endpoints("acme");
    const body = JSON.stringify({ name: "n".repeat(60_000) });
    let status: number | undefined = 201;
    let added = 0;
    for (; status === 201 && added < 400; added += 1) {
      ({ status } = await send(`${api}/contacts`, { method: "POST", headers, body }));
    }
    expect([status, added]).toEqual([507, 280]);
  });
});

it("forgets the oldest reports that are done", async () => {
  await using reporting = await startEmulator({ reportPolls: 0 });
  const headers = { ...(await requestBearer(reporting)), "content-type": "application/json" };
  const jobs = `${reporting.endpoints().api}/data/reports/calls/jobs`;
  const ids: string[] = [];
  for (let count = 0; count < 1_001; count += 1) {
    ids.push((await send(jobs, { method: "POST", headers, body: "{}" })).json.job.id);
  }
  expect((await send(`${jobs}/${ids[0]}`, { headers })).status).toBe(404);
  expect((await send(`${jobs}/${ids[1]}`, { headers })).status).toBe(303);
});

it("forgets the oldest codes when very many are issued, and keeps the latest", async () => {
  const { clientId, redirectUris } = talkdesk.clients.get();
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const codes: string[] = [];
  for (let count = 0; count < 400; count += 1) {
    const parameters = { response_type: "code", client_id: clientId, redirect_uri: redirectUris[0] ?? "" };
    const body = new URLSearchParams({ ...parameters, nonce: "n".repeat(50_000) }).toString();
    const { location } = (await send(talkdesk.endpoints().authorize, { method: "POST", headers, body }))
      .headers;
    codes.push(new URL(location ?? "").searchParams.get("code") ?? "");
  }
  expect((await exchange(talkdesk, codes[0] ?? "")).json.error).toBe("invalid_grant");
  expect((await exchange(talkdesk, codes.at(-1) ?? "")).status).toBe(200);
});
