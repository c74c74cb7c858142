import { afterAll, beforeAll, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { requestBearer } from "./support/token-request.js";
import { send } from "./support/wire.js";

let talkdesk: Emulator;
let api: string;
let headers: Readonly<Record<string, string>>;
beforeAll(async () => {
  talkdesk = await startEmulator();
  ({ api } = talkdesk.endpoints());
  headers = { ...(await requestBearer(talkdesk)), "content-type": "application/json" };
});
afterAll(() => talkdesk.stop());

it("shows the account, and a user of it", async () => {
  const account = await send(`${api}/account`, { headers });
  expect(account.json).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{24}$/), name: "acme" });
  expect(account.json._links.self.href).toBe(`${api}/account`);
  const users = await send(account.json._links.users.href, { headers });
  const [user] = users.json._embedded.users;
  expect((await send(user._links.self.href, { headers })).json).toEqual(user);
  const unknown = await send(`${api}/users/${"0".repeat(24)}`, { headers });
  expect([unknown.status, unknown.json.code]).toEqual([404, "0040000"]);
});

it("lists and shows phone numbers", async () => {
  const list = await send(`${api}/phone-details/numbers?page=2&per_page=2`, { headers });
  expect(list.json).toMatchObject({ total: 4, count: 2, page: 2, per_page: 2 });
  expect(list.json._links.previous.href).toBe(`${api}/phone-details/numbers?page=1&per_page=2`);
  const [number] = list.json._embedded.phone_numbers;
  expect(number.phone_number).toMatch(/^\+1202555\d{4}$/);
  expect((await send(`${api}/phone-details/numbers/${number.id}`, { headers })).json).toEqual(number);
  expect((await send(`${api}/phone-details/numbers/x`, { headers })).json.code).toBe("1394004");
  const sales = await send(`${api}/phone-details/numbers?search=*sales*&per_page=500`, { headers });
  expect(sales.json._embedded.phone_numbers).toHaveLength(1);
});

const callback = { talkdesk_phone_number: "+12025550190", contact_phone_number: "+13125550100" };
const field = { name: "a", display_name: "A", tooltip_text: "t", data_type: "text", value: "v" };

it.each<[string, unknown, number, string | undefined]>([
  ["two numbers", callback, 200, undefined],
  ["a context", { ...callback, context: { fields: [field] } }, 200, undefined],
  ["one number", { contact_phone_number: "+13125550100" }, 400, "0020006"],
  ["a number without a plus sign", { ...callback, contact_phone_number: "13125550100" }, 400, "0020008"],
  ["a context without fields", { ...callback, context: {} }, 400, "0020008"],
  [
    "a field of another type",
    { ...callback, context: { fields: [{ ...field, data_type: "x" }] } },
    400,
    "0020008",
  ],
  ["no object", [], 400, "0020007"],
])("answers a callback with %s", async (_, body, status, code) => {
  const answer = await send(`${api}/calls/callback`, { method: "POST", headers, body: JSON.stringify(body) });
  expect([answer.status, answer.text === "" ? undefined : answer.json.code]).toEqual([status, code]);
});

it("answers a callback that is not JSON with 415", async () => {
  const form = { ...headers, "content-type": "application/x-www-form-urlencoded" };
  const answer = await send(`${api}/calls/callback`, { method: "POST", headers: form, body: "a=1" });
  expect([answer.status, answer.json.code]).toEqual([415, "0020001"]);
});

const id = "0123456789abcdef0123456789abcdef";

it("has a recording of each call, whose media is on another origin and takes no token", async () => {
  const list = await send(`${api}/calls/${id}/recordings`, { headers });
  const [recording] = list.json._embedded.recordings;
  expect(recording).toMatchObject({ call_id: id, type: "conversation" });
  const shown = await send(recording._links.self.href, { headers });
  expect(shown.json.recording).toEqual(recording);

  const redirect = await send(recording._links.media.href, { headers });
  expect(redirect.status).toBe(302);
  const media = redirect.headers.location ?? "";
  expect(new URL(media).origin).not.toBe(api);
  expect((await send(media, { headers })).status).toBe(400);
  const { status, headers: received, bytes } = await send(media);
  expect([status, received["content-type"]]).toEqual([200, "audio/wav"]);
  expect(bytes.toString("latin1", 0, 16)).toMatch(/^RIFF.{4}WAVEfmt $/s);
  expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
  expect(bytes.length).toBe(44 + recording.duration * 8_000);
  expect(talkdesk.requests.to("files").at(-1)).toMatchObject({ region: "us", account: "acme" });
});

it("gives the address of the media in HAL when that is asked for", async () => {
  for (const accept of ["application/hal+json", "application/json+hal"]) {
    const link = await send(`${api}/recordings/${id}/media`, { headers: { ...headers, accept } });
    expect(link.status).toBe(200);
    expect((await send(link.json._links.file.href)).status).toBe(200);
  }
});

it("has the recordings that its report of calls names, and no others", async () => {
  const jobs = `${api}/data/reports/calls/jobs`;
  const job = await send(jobs, { method: "POST", headers, body: '{"format":"json"}' });
  let file: Response;
  do file = await fetch(job.headers.location ?? "", { headers });
  while (!file.redirected);
  const [{ call_id, recording_url }] = ((await file.json()) as { entries: [Record<string, string>] }).entries;
  const { json } = await send(`${api}${recording_url}`, { headers });
  expect(json.recording.call_id).toBe(call_id);
  for (const path of ["recordings/x", "recordings/x/media", "calls/x/recordings"]) {
    expect((await send(`${api}/${path}`, { headers })).json.code).toBe("0050000");
  }
});

it.each(["account", "phone-details/numbers", `recordings/${id}/media`, `users/${"0".repeat(24)}`])(
  "refuses /%s without the scope",
  async (path) => {
    const other = await requestBearer(talkdesk, { scope: "contacts:read" });
    expect((await send(`${api}/${path}`, { headers: other })).status).toBe(403);
  },
);
