import { createPublicKey } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

it("answers 404 with HTML for an account that does not exist", async () => {
  const client = talkdesk.clients.get();
  for (const answer of [
    await requestToken(talkdesk, undefined, { account: "nobody", client }),
    await send(talkdesk.endpoints("nobody").authorize),
    await send(talkdesk.endpoints("nobody", "au").jwks),
    await send(talkdesk.endpoints().token.replace("/us/", "/uk/")),
    await send(`${new URL(talkdesk.endpoints().token).origin}/`),
  ]) {
    expect(answer.status).toBe(404);
    expect(answer.headers["content-type"]).toMatch(/^text\/html/);
  }
});

it("has no discovery document, as the service has none", async () => {
  const root = talkdesk.endpoints().token.replace("/oauth/token", "");
  expect((await send(`${root}/.well-known/openid-configuration`)).status).toBe(404);
});

it("publishes other keys in every region, at the current path and the deprecated one", async () => {
  const current = await send(talkdesk.endpoints().jwks);
  const old = await send(talkdesk.endpoints().jwks.replace("/2023-10/", "/"));
  const other = await send(talkdesk.endpoints("acme", "eu").jwks);
  expect(current.json.keys).toHaveLength(2);
  expect(current.json.keys[0]).toMatchObject({ kty: "EC", crv: "P-256", alg: "ES256", use: "sig" });
  expect(Buffer.from(current.json.keys[0].x, "base64url")).toHaveLength(33);
  const { x5c: _certificate, x5t: _thumbprint, ...numbers } = current.json.keys[0];
  expect(old.json.keys[0]).toMatchObject(numbers);
  const spki = Buffer.from(old.json.keys[0].x5c[0], "base64");
  expect(createPublicKey({ key: spki, format: "der", type: "spki" }).asymmetricKeyType).toBe("ec");
  expect(Buffer.from(old.json.keys[0].x5t, "base64").toString()).toMatch(/^[0-9a-f]{40}$/);
  expect(other.json.keys[0].kid).not.toBe(current.json.keys[0].kid);
  expect((await send(talkdesk.endpoints().jwks, { method: "POST" })).status).toBe(405);
});

it("records which endpoint, region and account a request was for", async () => {
  talkdesk.requests.clear();
  await requestToken(talkdesk);
  await talkdesk.authorize();
  await send(talkdesk.endpoints("acme", "eu").jwks);
  await send(talkdesk.endpoints().token.replace("/token", "/introspect"), { method: "POST" });
  expect(talkdesk.requests.all.map(({ to, region, account }) => [to, region, account])).toEqual([
    ["token", "us", "acme"],
    ["authorize", "us", "acme"],
    ["jwks", "eu", "acme"],
    ["introspect", "us", "acme"],
  ]);
});

it("omits kid and alg of its keys when told to", async () => {
  await using bare = await startEmulator({ keys: { omitKid: true, omitAlg: true } });
  const [ec, rsa] = (await send(bare.endpoints().jwks)).json.keys;
  expect(Object.keys(ec).sort()).toEqual(["crv", "kty", "use", "x", "x5c", "x5t", "y"]);
  expect(Object.keys(rsa).sort()).toEqual(["e", "kty", "n", "use", "x5c", "x5t"]);
});
