import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, readClaims, refresh, requestToken } from "./support/token-request.js";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator();
});
afterAll(() => talkdesk.stop());

it("marks every token, code and secret as fake", async () => {
  const { code } = await talkdesk.authorize({ scope: "openid refresh_token" });
  const { json } = await exchange(talkdesk, code);
  const renewed = (await refresh(talkdesk, json.refresh_token)).json;
  const service = (await requestToken(talkdesk, { grant_type: "client_credentials", token_type: "opaque" }))
    .json;
  for (const opaque of [code, json.refresh_token, renewed.refresh_token]) expect(opaque).toMatch(/^fake_/);
  expect(service.access_token).toMatch(/^tdst_fake_/);
  for (const jwt of [json.access_token, json.id_token, renewed.access_token]) {
    expect(readClaims(jwt).emulator).toBe(true);
  }
  const { clientId } = talkdesk.clients.get();
  for (const secret of [
    talkdesk.clients.get().clientSecret,
    talkdesk.clients.rotateSecret(clientId).clientSecret,
  ]) {
    expect(secret).toMatch(/^fake_secret-[\w-]{74}$/);
  }
});
