import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let api: string;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator();
  api = talkdesk.endpoints().api;
  headers = await requestBearer(talkdesk, { scope: "openid" });
});
afterAll(() => talkdesk.stop());

it.each(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])("echoes %s", async (method) => {
  const { status, json } = await send(`${api}/echo?a=1&b`, {
    method,
    headers: { ...headers, "x-own": "1" },
    body: "ü",
  });
  expect(status).toBe(200);
  expect(json).toMatchObject({
    method,
    path: "/echo?a=1&b",
    bodyBytes: 2,
    bodySha256: createHash("sha256").update("ü").digest("hex"),
    text: "ü",
  });
  expect(json.headers["x-own"]).toBe("1");
  expect(json.headers).not.toHaveProperty("authorization");
});

it("answers HEAD without a body", async () => {
  const { status, text } = await send(`${api}/echo`, { method: "HEAD", headers });
  expect([status, text]).toEqual([200, ""]);
});

it("gives the digest of a large binary body, and no text", async () => {
  const body = randomBytes(3_000_000);
  const { json } = await send(`${api}/echo`, { method: "POST", headers, body });
  expect(json.bodyBytes).toBe(body.length);
  expect(json.bodySha256).toBe(createHash("sha256").update(body).digest("hex"));
  expect(json).not.toHaveProperty("text");
});

it.each([204, 304, 401, 403, 429, 500, 599])("answers with the status %i when asked to", async (status) => {
  expect((await send(`${api}/echo?status=${status}`, { headers })).status).toBe(status);
});

it.each(["echo?status=99", "echo?status=600", "echo?status=x", "large", "large?bytes=-1", "large?bytes=x"])(
  "refuses %s",
  async (path) => {
    expect((await send(`${api}/${path}`, { headers })).status).toBe(400);
  },
);

it.each([0, 1, 65_536, 200_001])("streams %i bytes", async (bytes) => {
  const answer = await send(`${api}/large?bytes=${bytes}`, { headers });
  expect(answer.headers["content-length"]).toBe(String(bytes));
  expect(answer.bytes).toHaveLength(bytes);
  expect(answer.error).toBeUndefined();
});

it("stops streaming when the client goes away", async () => {
  talkdesk.requests.clear();
  const response = await fetch(`${api}/large?bytes=999999999999`, { headers });
  const reader = response.body?.getReader();
  await reader?.read();
  await reader?.cancel();
  const record = await talkdesk.requests.waitFor(({ aborted }) => aborted);
  expect(record.status).toBe(200);
});
