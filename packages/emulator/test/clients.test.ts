import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { REGIONS } from "./support/regions.js";
import { requestToken } from "./support/token-request.js";

// The client id that the default seed gives; the table below is read before the emulator runs.
const DEFAULT_CLIENT_ID = "e193107740b6ffcf181e3e6aa8e6a5c3";

let talkdesk: Emulator;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
});
afterAll(() => talkdesk.stop());

it("has a default client for each account, the same in every region", async () => {
  for (const account of ["acme", "globex"]) {
    expect(talkdesk.clients.get(account)).toMatchObject({
      account,
      clientId: expect.stringMatching(/^[0-9a-f]{32}$/),
      clientSecret: expect.stringMatching(/^(?=.*-)(?=.*_)[\w-]{86}$/),
      grantTypes: ["client_credentials", "authorization_code", "refresh_token"],
    });
    for (const region of REGIONS) {
      expect((await requestToken(talkdesk, undefined, { account, region })).status).toBe(200);
    }
  }
  expect(talkdesk.clients.get()).toBe(talkdesk.clients.get("acme"));
  expect(talkdesk.clients.get("acme").clientId).not.toBe(talkdesk.clients.get("globex").clientId);
});

it("add() registers a client with generated or with given members", () => {
  const generated = talkdesk.clients.add();
  expect(generated.clientSecret).toMatch(/^(?=.*-)(?=.*_)[\w-]{86}$/);
  const given = talkdesk.clients.add({
    account: "globex",
    clientId: "mine",
    clientSecret: "secret",
    scopes: ["a:b"],
    grantTypes: ["client_credentials"],
    redirectUris: ["https://app.example/callback"],
  });
  expect(given).toMatchObject({
    account: "globex",
    clientId: "mine",
    clientSecret: "secret",
    scopes: ["a:b"],
    grantTypes: ["client_credentials"],
    redirectUris: ["https://app.example/callback"],
  });
  expect([...talkdesk.clients].map(({ clientId }) => clientId)).toEqual([
    talkdesk.clients.get("acme").clientId,
    talkdesk.clients.get("globex").clientId,
    generated.clientId,
    "mine",
  ]);
});

it("refuses the old secret after rotateSecret()", async () => {
  const client = talkdesk.clients.add();
  const rotated = talkdesk.clients.rotateSecret(client.clientId);
  expect(rotated).toEqual({ ...client, clientSecret: rotated.clientSecret });
  expect(rotated.clientSecret).not.toBe(client.clientSecret);
  expect((await requestToken(talkdesk, undefined, { client })).status).toBe(401);
  expect((await requestToken(talkdesk, undefined, { client: rotated })).status).toBe(200);

  const old = talkdesk.clients.get("globex");
  talkdesk.clients.rotateSecret(old.clientId);
  expect(talkdesk.clients.get("globex").clientSecret).not.toBe(old.clientSecret);
});

it("refuses a client that was removed", async () => {
  const client = talkdesk.clients.add();
  expect(talkdesk.clients.remove(client.clientId)).toBe(true);
  expect(talkdesk.clients.remove(client.clientId)).toBe(false);
  expect((await requestToken(talkdesk, undefined, { client })).status).toBe(401);

  await using other = await startEmulator();
  other.clients.remove(other.clients.get().clientId);
  expect(() => other.clients.get()).toThrow("removed");
});

it.each<[string, object]>([
  ["account", { account: "nobody" }],
  ["member", { scope: "users:read" }],
  ["clientId", { clientId: "a:b" }],
  ["clientId", { clientId: "" }],
  ["clientId", { clientId: DEFAULT_CLIENT_ID }],
  ["clientSecret", { clientSecret: "" }],
  ["scopes", { scopes: ["a b"] }],
  ["scopes", { scopes: "a" }],
  ["grantTypes", { grantTypes: ["password"] }],
  ["keyAlgorithm", { keyAlgorithm: "RS256" }],
  ["authenticationMethods", { authenticationMethods: ["client_secret_post"] }],
  ["redirectUris", { redirectUris: ["/callback"] }],
  ["redirectUris", { redirectUris: ["https://app.example/#x"] }],
])("add() throws a TypeError for a wrong %s", (name, registration) => {
  expect(() => talkdesk.clients.add(registration)).toThrow(TypeError);
  expect(() => talkdesk.clients.add(registration)).toThrow(name);
});

it("takes redirect URIs beyond ASCII, however many there are", () => {
  const redirectUris = Array.from({ length: 20_000 }, () => "https://bücher.example/callback");
  expect(talkdesk.clients.add({ redirectUris }).redirectUris).toEqual(["https://bücher.example/callback"]);
});

it("throws a TypeError for an account or a client that does not exist", () => {
  expect(() => talkdesk.clients.get("nobody")).toThrow(TypeError);
  expect(() => talkdesk.clients.rotateSecret("nobody")).toThrow(TypeError);
  expect(() => talkdesk.clients.rotateKey("nobody")).toThrow(TypeError);
});
