// Jest's default: CommonJS, without --experimental-vm-modules.
const {
  clientCredentials,
  finishAuthorization,
  privateKeyJwt,
  startAuthorization,
  talkdeskClientFromEnv,
} = require("@talkdesk-oauth/core");
const { talkdeskFetch } = require("@talkdesk-oauth/fetch");

const {
  TALKDESK_CLIENT_ID: clientId,
  CONSUMER_KEY_ID: keyId,
  CONSUMER_PRIVATE_KEY: privateKey,
} = process.env;
const client = talkdeskClientFromEnv();

test("a client with a secret calls the API", async () => {
  const source = clientCredentials(client);
  expect((await talkdeskFetch(source)("/users?per_page=1")).status).toBe(200);
  await source.close();
});

test("a client that signs gets a token", async () => {
  const authentication = privateKeyJwt({ clientId, keyId, privateKey });
  const token = await clientCredentials({ ...client, authentication }).getToken();
  expect(token.type).toBe("Bearer");
});

test("a login brings verified claims", async () => {
  const redirectUri = "http://localhost:3000/callback";
  const pending = await startAuthorization(client, { redirectUri, scope: "openid" });
  const { headers } = await fetch(pending.url, { redirect: "manual" });
  const { claims } = await finishAuthorization(client, headers.get("location"), pending);
  expect(claims.nonce).toBe(pending.nonce);
});

test("an aborted wait ends with the signal's own reason", async () => {
  const controller = new AbortController();
  const token = clientCredentials(client).getToken({ signal: controller.signal });
  controller.abort();
  await expect(token).rejects.toBe(controller.signal.reason);
});
