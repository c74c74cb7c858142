import { createHash } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, type EmulatorClient, startEmulator } from "./support/package-under-test.js";
import { makeBasicHeader } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

const VERIFIER = "v".repeat(43);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

let talkdesk: Emulator;
let client: EmulatorClient;
beforeAll(async () => {
  talkdesk = await startEmulator();
  client = talkdesk.clients.add({ authenticationMethods: ["none"] });
});
afterAll(() => talkdesk.stop());

function post(form: Readonly<Record<string, string>>, headers = {}): Promise<WireResponse> {
  return send(talkdesk.endpoints().token, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams(form).toString(),
  });
}

async function exchange(changes: Readonly<Record<string, string>> = {}): Promise<WireResponse> {
  const { clientId, redirectUris } = client;
  const { code } = await talkdesk.authorize({ clientId, codeChallenge: CHALLENGE });
  const form = {
    grant_type: "authorization_code",
    code,
    redirect_uri: redirectUris[0] ?? "",
    client_id: clientId,
  };
  return post({ ...form, code_verifier: VERIFIER, ...changes });
}

it("logs in with PKCE and its id alone, and refreshes", async () => {
  const { status, json } = await exchange();
  expect([status, json.token_type]).toEqual([200, "Bearer"]);
  const form = { grant_type: "refresh_token", refresh_token: json.refresh_token, client_id: client.clientId };
  const refreshed = await post(form);
  expect([refreshed.status, refreshed.json.refresh_token]).toEqual([200, expect.stringMatching(/^fake_/)]);
  expect(talkdesk.requests.all.at(-1)?.laxities).toEqual([]);
});

it("cannot log in without PKCE, or with another verifier", async () => {
  const { clientId } = client;
  await expect(talkdesk.authorize({ clientId })).rejects.toThrow("code_challenge");
  expect((await exchange({ code_verifier: "w".repeat(43) })).json.error).toBe("invalid_grant");
});

it("cannot use another client's code, client credentials, or a secret", async () => {
  const { clientId, clientSecret } = client;
  const other = talkdesk.clients.add({ authenticationMethods: ["none"] });
  expect((await exchange({ client_id: other.clientId })).json.error).toBe("invalid_grant");
  const grant = { grant_type: "client_credentials" };
  const machine = await post({ ...grant, client_id: clientId });
  expect([machine.status, machine.json.error]).toEqual([400, "unauthorized_client"]);
  const authorization = makeBasicHeader({ clientId, clientSecret });
  expect((await post(grant, { authorization })).json.error).toBe("invalid_client");
});

it("refuses a client that is not registered, or has a secret", async () => {
  for (const clientId of ["unknown", talkdesk.clients.get().clientId]) {
    expect((await exchange({ client_id: clientId })).status).toBe(401);
  }
});
