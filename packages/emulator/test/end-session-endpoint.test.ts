import { afterAll, beforeAll, expect, it } from "vitest";
import { answers, type Emulator, startEmulator } from "./support/package-under-test.js";
import { exchange, logIn, refresh, requestBearer } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

const SCOPE = "user-session-public:end";

let talkdesk: Emulator;
let url: string;
let authorised: Readonly<Record<string, string>>;
beforeAll(async () => {
  talkdesk = await startEmulator({ accounts: ["acme", "globex"] });
  url = `${talkdesk.endpoints().identity}/oauth/end_user_session`;
  authorised = await requestBearer(talkdesk, { scope: SCOPE });
});
afterAll(() => talkdesk.stop());

function end(
  parameters: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = authorised,
): Promise<WireResponse> {
  return send(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: new URLSearchParams(parameters).toString(),
  });
}

async function findUserId(accessToken: string): Promise<string> {
  const headers = { authorization: `Bearer ${accessToken}` };
  return (await send(`${talkdesk.endpoints().api}/users/me`, { headers })).json.id;
}

it("ends the logins of a user, by a form", async () => {
  const { json } = await logIn(talkdesk);
  const userId = await findUserId(json.access_token);
  const ended = await end({ user_id: userId, reason: "force_logout" });
  expect([ended.status, ended.text]).toEqual([204, ""]);
  expect((await refresh(talkdesk, json.refresh_token)).json.error).toBe("invalid_grant");
  const headers = { authorization: `Bearer ${json.access_token}` };
  expect((await send(`${talkdesk.endpoints().api}/users/me`, { headers })).status).toBe(401);
  expect(talkdesk.requests.to("session").at(-1)).toMatchObject({
    region: "us",
    account: "acme",
    status: 204,
  });
  expect((await logIn(talkdesk)).status).toBe(200);
});

it("ends the logins of a user, by JSON, and of no other", async () => {
  const { json } = await logIn(talkdesk);
  const { code } = await talkdesk.authorize({ user: await findOtherUser() });
  const other = await exchange(talkdesk, code);
  const body = JSON.stringify({ user_id: await findUserId(json.access_token) });
  const headers = { ...authorised, "content-type": "application/json" };
  expect((await send(url, { method: "POST", headers, body })).status).toBe(204);
  expect((await refresh(talkdesk, json.refresh_token)).status).toBe(400);
  expect((await refresh(talkdesk, other.json.refresh_token)).status).toBe(200);
});

async function findOtherUser(): Promise<string> {
  const headers = await requestBearer(talkdesk);
  const { json } = await send(`${talkdesk.endpoints().api}/users?per_page=2`, { headers });
  return json._embedded.users[1].email;
}

it.each<[string, Record<string, string>, string]>([
  ["no user", {}, "user_id"],
  ["a short user_id", { user_id: "1" }, "user_id"],
  ["userId", { userId: "0".repeat(24) }, "user_id"],
  ["another reason", { user_id: "0".repeat(24), reason: "bored" }, "reason"],
  ["an unknown user", { user_id: "0".repeat(24) }, "does not exist"],
])("refuses %s", async (_, parameters, reason) => {
  const answer = await end(parameters);
  expect([answer.status, Object.keys(answer.json)]).toEqual([400, ["error"]]);
  expect(answer.json.error).toContain(reason);
});

it("needs a token of the account with the scope", async () => {
  const parameters = { user_id: "0".repeat(24) };
  const foreign = await requestBearer(talkdesk, { account: "globex" });
  const elsewhere = await requestBearer(talkdesk, { region: "eu" });
  const narrow = await requestBearer(talkdesk, { scope: "users:read" });
  const statuses = [];
  for (const headers of [{}, foreign, elsewhere, narrow])
    statuses.push((await end(parameters, headers)).status);
  expect(statuses).toEqual([401, 401, 401, 403]);
  const get = await send(url, { headers: authorised });
  expect([get.status, get.headers.allow]).toEqual([405, "POST"]);
});

it("can have faults", async () => {
  talkdesk.faults.add({ at: "session", respond: answers.unavailable(1) });
  expect((await end({ user_id: "0".repeat(24) })).status).toBe(503);
});
