import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { REGIONS } from "./support/regions.js";
import { requestBearer, requestToken } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let api: string;
let headers: { readonly authorization: string };
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
  api = talkdesk.endpoints().api;
  headers = await requestBearer(talkdesk);
});
afterAll(() => talkdesk.stop());

describe("the token", () => {
  it.each<[string, (header: string) => string | readonly string[]]>([
    ["without the scheme", (header) => header.replace("Bearer ", "")],
    ["with another scheme", (header) => header.replace("Bearer", "Basic")],
    ["after two spaces", (header) => header.replace(" ", "  ")],
    ["after the scheme twice", (header) => `Bearer ${header}`],
    ["that was cut", (header) => header.slice(0, -1)],
    ["with something after it", (header) => `${header}, x`],
    ["sent twice", (header) => [header, header]],
    ["that is undefined", () => "Bearer undefined"],
  ])("is refused %s", async (_name, change) => {
    const answer = await send(`${api}/echo`, { headers: { authorization: change(headers.authorization) } });
    expect(answer.status).toBe(401);
    expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(answer.headers["content-type"]).toBe("application/json");
    expect(answer.json).toEqual({
      code: "0070010",
      message: "Unauthorized",
      description: expect.any(String),
    });
  });

  it.each(["bearer", "BEARER"])("is accepted after %s too", async (scheme) => {
    const authorization = headers.authorization.replace("Bearer", scheme);
    expect((await send(`${api}/users`, { headers: { authorization } })).status).toBe(200);
  });

  it("is required", async () => {
    expect((await send(`${api}/users`)).status).toBe(401);
  });

  it("is valid in its own region only", async () => {
    const european = await requestBearer(talkdesk, { account: "globex", region: "eu" });
    expect((await send(`${talkdesk.endpoints("globex", "eu").api}/echo`, { headers: european })).status).toBe(
      200,
    );
    for (const region of REGIONS.filter((name) => name !== "eu")) {
      const elsewhere = await send(`${talkdesk.endpoints("globex", region).api}/echo`, { headers: european });
      expect([elsewhere.status, elsewhere.json.description]).toEqual([
        401,
        "The token was issued in another region.",
      ]);
    }
  });

  it("needs the scope of the operation", async () => {
    const narrow = await requestBearer(talkdesk, { scope: "contacts:read" });
    expect((await send(`${api}/contacts`, { headers: narrow })).status).toBe(200);
    const answer = await send(`${api}/users`, { headers: narrow });
    expect(answer.status).toBe(403);
    expect(answer.json).toMatchObject({
      code: "0070011",
      description: expect.stringContaining("users:read"),
    });
  });

  it("decides the account in the log", async () => {
    talkdesk.requests.clear();
    await send(`${api}/echo`, { headers: await requestBearer(talkdesk, { account: "globex" }) });
    await send(`${api}/echo`);
    expect(talkdesk.requests.to("api").map(({ region, account }) => [region, account])).toEqual([
      ["us", "globex"],
      ["us", undefined],
    ]);
  });
});

it("answers 404 for other paths, and 405 with the methods that a path takes", async () => {
  for (const path of ["/", "/nothing", "/users/", "/oauth/token"]) {
    const answer = await send(`${api}${path}`, { headers });
    expect([answer.status, answer.json.message]).toEqual([404, "Not found"]);
  }
  const answer = await send(`${api}/contacts`, { method: "DELETE", headers });
  expect([answer.status, answer.headers.allow]).toEqual([405, "GET, POST"]);
});

it("has its own origin in every region", () => {
  const origins = REGIONS.map((region) => talkdesk.endpoints("acme", region).api);
  origins.push(new URL(talkdesk.endpoints().token).origin);
  expect(new Set(origins).size).toBe(REGIONS.length + 1);
});

it("refuses a token as soon as it is revoked, and accepts a new one", async () => {
  const { json } = await requestToken(talkdesk);
  const own = { authorization: `Bearer ${json.access_token}` };
  talkdesk.faults.revokeTokens({ account: "acme" });
  expect((await send(`${api}/echo`, { headers: own })).status).toBe(401);
  headers = await requestBearer(talkdesk);
  expect((await send(`${api}/echo`, { headers })).status).toBe(200);
});
