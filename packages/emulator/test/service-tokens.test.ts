import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestBearer, requestToken } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

const OPAQUE = { grant_type: "client_credentials", token_type: "opaque" };

it("issues opaque tokens for the lifetime that is asked for, without a refresh token", async () => {
  const answer = await requestToken(talkdesk, { ...OPAQUE, expires_in: "31556952", scope: "users:read" });
  expect(answer.json).toEqual({
    access_token: expect.stringMatching(/^tdst_fake_[0-9a-f]{48}$/),
    token_type: "opaque",
    expires_in: 31_556_952,
    scope: "users:read",
  });
  expect((await requestToken(talkdesk, OPAQUE)).json.expires_in).toBe(86_400);
});

it("has the token_type that is set", async () => {
  await using other = await startEmulator({ serviceTokenType: "Bearer" });
  expect((await requestToken(other, OPAQUE)).json.token_type).toBe("Bearer");
});

it("accepts service tokens without Bearer, and other tokens only with it", async () => {
  const users = `${talkdesk.endpoints().api}/users`;
  const { access_token: value } = (await requestToken(talkdesk, OPAQUE)).json;
  const { authorization } = await requestBearer(talkdesk);
  const statuses = [];
  for (const header of [value, `Bearer ${value}`, authorization, authorization.replace("Bearer ", "")]) {
    statuses.push((await send(users, { headers: { authorization: header } })).status);
  }
  expect(statuses).toEqual([200, 401, 200, 401]);
});

const introspect = (form: Record<string, string>): Promise<WireResponse> =>
  send(talkdesk.endpoints().token.replace(/token$/, "introspect"), {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
  });

it("introspects a token, and signs the answer with the published key", async () => {
  const { access_token: token } = (await requestToken(talkdesk, { ...OPAQUE, scope: "users:read" })).json;
  const answer = await introspect({ token });
  expect(answer.json.token_introspection).toMatchObject({
    active: true,
    cid: talkdesk.clients.get().clientId,
    scp: "users:read",
    reg: "us-west-1",
    psn: "CUSTOMER",
  });
  const inner = /"token_introspection":(\{.*\})\}$/.exec(answer.text)?.[1] ?? "";
  const [key] = (await send(talkdesk.endpoints().jwks)).json.keys;
  expect(answer.json.kid).toBe(key.kid);
  const x = Buffer.from(key.x, "base64url").subarray(1).toString("base64url");
  const publicKey = createPublicKey({ key: { ...key, x } as JsonWebKey, format: "jwk" });
  const signed = Buffer.from(Buffer.from(inner).toString("base64url"));
  expect(verify("sha256", signed, publicKey, Buffer.from(answer.json.sig, "base64url"))).toBe(true);
});

it("introspects an unknown token as inactive, and tells nothing else", async () => {
  expect((await introspect({ token: "made up" })).json.token_introspection).toEqual({ active: false });
  const missing = await introspect({});
  expect([missing.status, missing.json.code]).toEqual([400, "0070201"]);
});
