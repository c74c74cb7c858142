import { afterEach, beforeEach, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestBearer } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

const EXTENSION = "urn:ietf:params:scim:schemas:extension:talkdesk:2.0:User";

let talkdesk: Emulator;
let users: string;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  talkdesk = await startEmulator();
  users = `${talkdesk.endpoints().api}/scim/v2/Users`;
  headers = {
    ...(await requestBearer(talkdesk, { scope: "scim" })),
    "content-type": "application/scim+json",
  };
});
afterEach(() => talkdesk.stop());

/** Sends a request, and sends it again when it was one too many. */
async function call(path: string, method = "GET", body?: unknown): Promise<WireResponse> {
  for (;;) {
    const answer = await send(users + path, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (answer.status !== 429) return answer;
    await new Promise((resolve) => setTimeout(resolve, Number(answer.headers["retry-after"]) * 1000));
  }
}

const draft = {
  userName: "ada@new.example.com",
  name: { givenName: "Ada", familyName: "Berg" },
  active: true,
};

it("lists users in pages, and finds one by its name", async () => {
  const list = await call("?startIndex=59&count=5");
  expect(list.headers["content-type"]).toBe("application/scim+json");
  expect(list.json).toMatchObject({ totalResults: 60, startIndex: 59, itemsPerPage: 2 });
  const [user] = list.json.Resources;
  const filter = encodeURIComponent(`username eq "${user.userName.toUpperCase()}"`);
  expect((await call(`?filter=${filter}`)).json.Resources).toEqual([user]);
  const wrong = await call(`?filter=${encodeURIComponent('userName co "a"')}`);
  expect([wrong.status, wrong.json.scimType]).toEqual([400, "invalidFilter"]);
});

it("adds, shows, replaces, changes and removes a user", async () => {
  const added = await call("", "POST", { ...draft, [EXTENSION]: { rolesString: "Administrator" } });
  expect([added.status, added.json[EXTENSION]]).toEqual([201, { rolesString: "Administrator" }]);
  const path = `/${added.json.id}`;
  expect((await call(path)).json).toEqual(added.json);
  const replaced = await call(path, "PUT", { ...draft, externalId: "7" });
  expect(replaced.json).toMatchObject({ id: added.json.id, externalId: "7", active: true });
  const operations = [
    { op: "Replace", path: "active", value: "False" },
    { op: "add", value: { "name.familyName": "Berger", userName: "b@new.example.com" } },
  ];
  const changed = await call(path, "PATCH", { Operations: operations });
  expect(changed.json).toMatchObject({
    active: false,
    userName: "b@new.example.com",
    name: { givenName: "Ada", familyName: "Berger" },
    externalId: "7",
  });
  expect((await call(path, "DELETE")).status).toBe(204);
  expect((await call(path)).status).toBe(404);
});

it("refuses a name that is taken, and what is not a user", async () => {
  const { json } = await call("?count=1");
  const { id, userName } = json.Resources[0];
  const answers = [
    await call("", "POST", { ...draft, userName: userName.toUpperCase() }),
    await call("", "POST", { ...draft, active: "yes" }),
    await call("", "POST", []),
    await call(`/${id}`, "PATCH", { Operations: [{ op: "replace", path: "emails", value: [] }] }),
    await call(`/${id}`, "PATCH", { Operations: [{ op: "remove", path: "active" }] }),
    await call(`/${id}`, "PATCH", { Operations: [{ op: "replace", value: "x" }] }),
  ];
  expect(answers.map((answer) => [answer.status, answer.json.scimType])).toEqual([
    [409, "uniqueness"],
    [400, "invalidValue"],
    [400, "invalidSyntax"],
    [400, "invalidPath"],
    [400, "invalidSyntax"],
    [400, "invalidValue"],
  ]);
});

it("keeps the beginning of a refusal that repeats a long name", async () => {
  const long = { ...draft, userName: "x".repeat(60_000) };
  expect((await call("", "POST", long)).status).toBe(201);
  expect((await call("", "POST", long)).status).toBe(409);
  expect(talkdesk.requests.to("api").at(-1)?.refusal).toHaveLength(1_000);
});

it("takes four requests a second, and says when the next may come", async () => {
  const answers = await Promise.all(Array.from({ length: 30 }, () => send(`${users}?count=1`, { headers })));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  expect(answers.length - refused.length).toBeGreaterThanOrEqual(4);
  expect(refused[0]?.headers["retry-after"]).toBe("1");
  expect(refused[0]?.json.status).toBe("429");
  expect((await call("?count=1")).status).toBe(200);
  const elsewhere = await requestBearer(talkdesk, { scope: "scim", region: "eu" });
  const { api } = talkdesk.endpoints("acme", "eu");
  expect((await send(`${api}/scim/v2/Users`, { headers: elsewhere })).status).toBe(200);
});

it("refuses in the form of SCIM, and describes itself", async () => {
  const missing = await send(users);
  expect([missing.status, missing.json.schemas]).toEqual([
    401,
    ["urn:ietf:params:scim:api:messages:2.0:Error"],
  ]);
  const other = await requestBearer(talkdesk, { scope: "users:read" });
  expect((await send(users, { headers: other })).json.status).toBe("403");
  const configuration = await send(users.replace("Users", "ServiceProviderConfig"), { headers });
  expect(configuration.json.patch).toEqual({ supported: true });
});
