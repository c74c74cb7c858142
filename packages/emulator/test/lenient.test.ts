import { afterEach, describe, expect, it } from "vitest";
import {
  type Emulator,
  type EmulatorOptions,
  type Laxity,
  startEmulator,
} from "./support/package-under-test.js";
import { makeBasicHeader, requestToken } from "./support/token-request.js";
import { send, type WireRequest, type WireResponse } from "./support/wire.js";

const NAMES: readonly Laxity[] = [
  "secret-in-body",
  "grant-in-query",
  "json-body",
  "public-client",
  "bearer-service-token",
];
const FORM = "application/x-www-form-urlencoded";

let talkdesk: Emulator;
afterEach(() => talkdesk?.stop());

/** Sends a request with one laxity to a fresh emulator. */
const LAX_REQUESTS: Readonly<Record<Laxity, (emulator: Emulator) => Promise<WireResponse>>> = {
  async "secret-in-body"(emulator) {
    const { clientId, clientSecret } = emulator.clients.get();
    return post(emulator, {
      headers: { "content-type": FORM },
      body: `grant_type=client_credentials&client_id=${clientId}&client_secret=${clientSecret}`,
    });
  },
  async "grant-in-query"(emulator) {
    const authorization = makeBasicHeader(emulator.clients.get());
    return post(emulator, { headers: { authorization } }, "?grant_type=client_credentials&scope=users:read");
  },
  async "json-body"(emulator) {
    const authorization = makeBasicHeader(emulator.clients.get());
    return post(emulator, {
      headers: { authorization, "content-type": "application/json; charset=utf-8" },
      body: '{"grant_type":"client_credentials","token_type":"opaque","expires_in":90000}',
    });
  },
  async "public-client"(emulator) {
    const { clientId, redirectUris } = emulator.clients.get();
    const { code } = await emulator.authorize();
    const form = {
      grant_type: "authorization_code",
      code,
      redirect_uri: redirectUris[0] ?? "",
      client_id: clientId,
    };
    return post(emulator, { headers: { "content-type": FORM }, body: new URLSearchParams(form).toString() });
  },
  async "bearer-service-token"(emulator) {
    const { json } = await requestToken(emulator, { grant_type: "client_credentials", token_type: "opaque" });
    const headers = { authorization: `Bearer ${json.access_token}` };
    return send(`${emulator.endpoints().api}/users`, { headers });
  },
};

function post(emulator: Emulator, request: WireRequest, query = ""): Promise<WireResponse> {
  return send(emulator.endpoints().token + query, { method: "POST", ...request });
}

describe.each(NAMES)("%s", (name) => {
  it("is refused by default, with the option that would accept it", async () => {
    talkdesk = await startEmulator();
    const { status, json } = await LAX_REQUESTS[name](talkdesk);
    expect(status).toBeOneOf([400, 401]);
    expect(json.error_description ?? json.description).toContain(`lenient: ["${name}"]`);
    expect(talkdesk.requests.all.at(-1)?.laxities).toEqual([]);
  });

  it("is refused when only the others are accepted", async () => {
    talkdesk = await startEmulator({ lenient: NAMES.filter((other) => other !== name) });
    expect((await LAX_REQUESTS[name](talkdesk)).status).toBeOneOf([400, 401]);
  });

  it("is accepted with the option, and is in the log of that request alone", async () => {
    talkdesk = await startEmulator({ lenient: [name] });
    const { status, text } = await LAX_REQUESTS[name](talkdesk);
    expect([status, text]).toEqual([200, expect.any(String)]);
    expect(talkdesk.requests.all.at(-1)?.laxities).toEqual([name]);
    expect(JSON.parse(JSON.stringify(talkdesk.requests.all.at(-1)))).toMatchObject({ laxities: [name] });
    expect((await requestToken(talkdesk)).status).toBe(200);
    expect(talkdesk.requests.all.at(-1)?.laxities).toEqual([]);
  });
});

it("accepts several laxities in one request, and still checks the secret", async () => {
  talkdesk = await startEmulator({ lenient: NAMES });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const request = (secret: string): Promise<WireResponse> =>
    post(
      talkdesk,
      {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ client_id: clientId, client_secret: secret }),
      },
      "?grant_type=client_credentials&scope=users:read",
    );
  const { status, json } = await request(clientSecret);
  expect([status, json.scope]).toEqual([200, "users:read"]);
  expect(talkdesk.requests.all.at(-1)?.laxities).toEqual(["grant-in-query", "json-body", "secret-in-body"]);
  expect((await request("wrong")).status).toBe(401);
});

it("still refuses a secret in the URL, two proofs, a parameter twice, and machine tokens without a proof", async () => {
  talkdesk = await startEmulator({ lenient: NAMES });
  const { clientId, clientSecret } = talkdesk.clients.get();
  const authorization = makeBasicHeader({ clientId, clientSecret });
  const headers = { "content-type": FORM };
  const body = `grant_type=client_credentials&client_id=${clientId}`;
  const refusals = [
    await post(talkdesk, { headers, body }, `?client_secret=${clientSecret}`),
    await post(talkdesk, {
      headers: { ...headers, authorization },
      body: `${body}&client_secret=${clientSecret}`,
    }),
    await post(talkdesk, { headers: { ...headers, authorization }, body }, "?grant_type=client_credentials"),
    await post(talkdesk, { headers, body }),
    await post(talkdesk, {
      headers: { authorization, "content-type": "application/json" },
      body: '{"grant_type":[]}',
    }),
    await post(talkdesk, { headers: { authorization, "content-type": "application/json" }, body: "[]" }),
    await post(talkdesk, { headers: { authorization, "content-type": "application/json" }, body: "{" }),
  ];
  expect(refusals.map(({ status }) => status)).toEqual([400, 400, 400, 401, 400, 400, 400]);
});

it.each<[unknown, string]>([
  ["secret-in-body", "lenient must be an array"],
  [["secret_in_body"], "lenient must hold some of secret-in-body, grant-in-query"],
])("refuses the option %j", async (lenient, message) => {
  const error = await startEmulator({ lenient } as EmulatorOptions).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(TypeError);
  expect((error as TypeError).message).toContain(message);
});
