import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let contacts: string;
let headers: Readonly<Record<string, string>>;
beforeAll(async () => {
  talkdesk = await startEmulator();
  contacts = `${talkdesk.endpoints().api}/contacts`;
  headers = { ...(await requestBearer(talkdesk)), "content-type": "application/json" };
});
afterAll(() => talkdesk.stop());

it("lists contacts, and searches them by name", async () => {
  const all = (await send(`${contacts}?per_page=100`, { headers })).json;
  expect(all).toMatchObject({ total: 120, count: 100 });
  const wanted = all._embedded.contacts[0].name.split(" ")[1].toUpperCase();
  const found = (await send(`${contacts}?q=${encodeURIComponent(wanted)}&per_page=2`, { headers })).json;
  expect(found.total).toBeLessThan(120);
  for (const { name } of found._embedded.contacts) expect(name.toUpperCase()).toContain(wanted);
  expect(found._links.self.href).toContain(`q=${encodeURIComponent(wanted)}`);
  expect((await send(`${contacts}?q=zzzz`, { headers })).json).toMatchObject({ total: 0, count: 0 });
});

it("adds, shows and replaces a contact", async () => {
  const draft = { name: "Zoë Quill", company: "Quill", emails: [{ email: "zoe@example.com" }] };
  const added = await send(contacts, { method: "POST", headers, body: JSON.stringify(draft) });
  expect(added.status).toBe(201);
  expect(added.json).toMatchObject({ ...draft, phones: [], id: expect.stringMatching(/^[0-9a-f]{24}$/) });
  const url = added.headers.location ?? "";
  expect(url).toBe(added.json._links.self.href);
  expect((await send(url, { headers })).json).toEqual(added.json);
  expect((await send(contacts, { headers })).json.total).toBe(121);

  const replaced = await send(url, { method: "PUT", headers, body: JSON.stringify({ name: "Zoë" }) });
  expect(replaced.status).toBe(200);
  expect(replaced.json).toMatchObject({ id: added.json.id, name: "Zoë", emails: [] });
  expect(replaced.json).not.toHaveProperty("company");
  expect((await send(url, { headers })).json).toEqual(replaced.json);
});

it.each([
  ["no JSON", "name=x", "body"],
  ["a list", "[]", "body"],
  ["no name", "{}", "name"],
  ["a blank name", '{"name":" "}', "name"],
  ["a number for a company", '{"name":"a","company":1}', "company"],
  ["an address that is no object", '{"name":"a","emails":["a@example.com"]}', "emails"],
  ["a telephone without a number", '{"name":"a","phones":[{}]}', "phones"],
])("refuses a contact with %s", async (_name, body, field) => {
  for (const [method, url] of [
    ["POST", contacts],
    ["PUT", `${contacts}/${"0".repeat(24)}`],
  ] as const) {
    const answer = await send(url, { method, headers, body });
    expect(answer.status).toBe(400);
    expect(answer.json.code).toMatch(/^\d{7}$/);
    expect(answer.json.fields[0].name).toBe(field);
  }
});

it("refuses a contact that is not sent as JSON", async () => {
  const type = { ...headers, "content-type": "text/plain" };
  const answer = await send(contacts, { method: "POST", headers: type, body: '{"name":"a"}' });
  expect(answer.status).toBe(400);
});

it("answers 404 for an unknown contact, and for one of another region", async () => {
  const unknown = await send(`${contacts}/${"0".repeat(24)}`, { headers });
  expect(unknown.status).toBe(404);
  const put = await send(`${contacts}/x`, { method: "PUT", headers, body: '{"name":"a"}' });
  expect(put.status).toBe(404);
  const european = await requestBearer(talkdesk, { region: "eu" });
  const { json } = await send(`${talkdesk.endpoints("acme", "eu").api}/contacts?per_page=1`, {
    headers: european,
  });
  expect((await send(`${contacts}/${json._embedded.contacts[0].id}`, { headers })).status).toBe(404);
});

it("refuses to write without the scope", async () => {
  const reader = { ...headers, ...(await requestBearer(talkdesk, { scope: "contacts:read" })) };
  const answer = await send(contacts, { method: "POST", headers: reader, body: '{"name":"a"}' });
  expect(answer.status).toBe(403);
});
