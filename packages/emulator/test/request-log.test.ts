import { Agent } from "node:http";
import { connect } from "node:net";
import { inspect } from "node:util";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, makeBasicHeader, requestBearer, requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  headers = await requestBearer(talkdesk);
});
beforeEach(() => talkdesk.requests.clear());
afterAll(() => talkdesk.stop());

it("records a token request as it arrived", async () => {
  const before = Date.now();
  await requestToken(talkdesk, { grant_type: "client_credentials", scope: "users:read" });
  const [record, ...others] = talkdesk.requests.all;
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    to: "token",
    region: "us",
    account: "acme",
    method: "POST",
    url: "/us/acme/oauth/token",
    httpVersion: "1.1",
    text: "grant_type=client_credentials&scope=users%3Aread",
    clientId: talkdesk.clients.get().clientId,
    status: 200,
    connection: expect.any(Number),
    aborted: false,
  });
  expect(record?.at).toBeGreaterThanOrEqual(before);
  expect(record?.body).toBeInstanceOf(Uint8Array);
  expect(record?.form.get("scope")).toBe("users:read");
  expect(record?.headers["content-type"]).toBe("application/x-www-form-urlencoded");
  expect(record?.rawHeaders).toContain(makeBasicHeader(talkdesk.clients.get()));
  expect(Object.isFrozen(record)).toBe(true);
});

it("keeps names and repetitions in rawHeaders, and joins repeated values in headers", async () => {
  await send(`${talkdesk.endpoints().api}/echo`, { headers: { ...headers, "X-Own": ["1", "2"] } });
  const [record] = talkdesk.requests.to("api");
  expect(record?.rawHeaders.filter((name) => name === "X-Own")).toHaveLength(2);
  expect(record?.headers["x-own"]).toBe("1, 2");
});

it("numbers the connections of a server", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const echo = `${talkdesk.endpoints().api}/echo`;
  await send(echo, { headers, agent });
  await send(echo, { headers, agent });
  await send(echo, { headers });
  agent.destroy();
  const [first, second, third] = talkdesk.requests.all.map(({ connection }) => connection);
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

it("records an upload that the client gave up", async () => {
  const { hostname, port } = new URL(talkdesk.endpoints().api);
  const socket = connect(Number(port), hostname);
  socket.write(`POST /echo HTTP/1.1\r\nHost: ${hostname}:${port}\r\nContent-Length: 100\r\n\r\nhalf`);
  setTimeout(() => socket.destroy(), 50);
  const record = await talkdesk.requests.waitFor(({ aborted }) => aborted);
  expect(record).toMatchObject({ to: "api", text: "half", status: undefined });
});

it("waitFor() waits for a request to arrive, and for one to end", async () => {
  const coming = talkdesk.requests.waitFor(({ to, status }) => to === "jwks" && status === 200);
  await requestToken(talkdesk);
  await send(talkdesk.endpoints().jwks);
  expect((await coming).url).toBe("/us/acme/oauth/2023-10/certs");
  expect((await talkdesk.requests.waitFor(({ to }) => to === "token")).status).toBe(200);
});

it("waitFor() rejects when no request comes and when the condition throws, and throws without a condition", async () => {
  await expect(talkdesk.requests.waitFor(() => false, { timeoutMs: 10 })).rejects.toThrow("within 10 ms");
  const failing = talkdesk.requests.waitFor(() => {
    throw new Error("mine");
  });
  const rejected = expect(failing).rejects.toThrow("mine");
  await send(talkdesk.endpoints().jwks);
  await rejected;
  expect(() => talkdesk.requests.waitFor(undefined as never)).toThrow(TypeError);
  expect(() => talkdesk.requests.to("gateway" as never)).toThrow(TypeError);
});

it("gives arrays that callers may change, and forgets everything after clear()", async () => {
  await requestToken(talkdesk);
  const all = talkdesk.requests.all as unknown[];
  all.pop();
  expect(talkdesk.requests.all).toHaveLength(1);
  talkdesk.requests.clear();
  expect(talkdesk.requests.all).toEqual([]);
});

it("has no secret when it is printed", async () => {
  const { code } = await talkdesk.authorize();
  const { json } = await exchange(talkdesk, code);
  await requestToken(talkdesk, { grant_type: "refresh_token", refresh_token: json.refresh_token });
  await requestToken(talkdesk, { grant_type: "client_credentials", client_secret: "in-the-body" });
  await send(`${talkdesk.endpoints().api}/echo?access_token=in-the-url`, { headers });
  const { clientSecret } = talkdesk.clients.get();
  const secrets = [
    code,
    json.refresh_token,
    clientSecret,
    makeBasicHeader(talkdesk.clients.get()),
    headers.authorization,
  ];
  const records = talkdesk.requests.all;
  for (const printed of [
    inspect(records, { depth: null }),
    JSON.stringify(records),
    String(records),
    inspect({ deep: { records } }, { depth: 9 }),
  ]) {
    for (const secret of [...secrets, "in-the-body", "in-the-url"]) expect(printed).not.toContain(secret);
  }
  expect(inspect(records[0])).toContain("/us/acme/oauth/authorize");
});

it("calls onRequest with each request that has ended", async () => {
  const ended: unknown[] = [];
  await using listened = await startEmulator({ onRequest: ({ to, status }) => ended.push([to, status]) });
  await requestToken(listened);
  listened.faults.add({ at: "token", lose: true });
  await requestToken(listened);
  await expect
    .poll(() => ended)
    .toEqual([
      ["token", 200],
      ["token", undefined],
    ]);
});

it("is printed as printable ASCII only", async () => {
  const { jwks, api } = talkdesk.endpoints();
  const evil = encodeURIComponent("\u001b[2J\u009b\u202e\nexport X=1");
  await send(`${jwks}?${evil}=${evil}`);
  await send(`${api}/echo`, { headers: { ...headers, "x-own": "\u00e9\u009b2J" } });
  await requestToken(talkdesk, { grant_type: "\u001b[2J\u202e" });
  for (const record of talkdesk.requests.all) {
    for (const printed of [JSON.stringify(record), ...Object.values(JSON.parse(JSON.stringify(record)))]) {
      expect(String(printed)).toMatch(/^[\x20-\x7e]*$/);
    }
    expect(inspect(record, { breakLength: Number.POSITIVE_INFINITY })).toMatch(/^[\x20-\x7e]*$/);
  }
});
