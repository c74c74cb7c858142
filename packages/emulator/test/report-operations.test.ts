import { afterEach, beforeEach, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { runReport } from "./support/report-file.js";
import { requestBearer } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

const CALLS_HEADER =
  "call_id,type,start_at,end_at,talkdesk_phone_number,contact_phone_number,user_id,user_name,user_email,total_time,talk_time,wait_time,recording_url";

let talkdesk: Emulator;
let reports: string;
let headers: Readonly<Record<string, string>>;
beforeEach(async () => {
  talkdesk = await startEmulator();
  reports = `${talkdesk.endpoints().api}/data/reports/calls`;
  headers = { ...(await requestBearer(talkdesk)), "content-type": "application/json" };
});
afterEach(() => talkdesk.stop());

function start(body: unknown = {}): Promise<WireResponse> {
  return send(`${reports}/jobs`, { method: "POST", headers, body: JSON.stringify(body) });
}

it("runs a job from its start to its file", async () => {
  const timespan = { from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z" };
  const started = await start({ name: "mine", format: "csv", timespan });
  expect(started.status).toBe(202);
  const { id } = started.json.job;
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  const url = `${reports}/jobs/${id}`;
  expect(started.headers.location).toBe(url);
  expect(started.json).toEqual({
    job: { id, status: "created", name: "mine", format: "csv", timespan },
    _links: { self: { href: url } },
  });

  // Asking for the file counts as a poll.
  const early = await send(`${reports}/files/${id}`, { headers });
  expect([early.status, early.json.code]).toEqual([404, "1020011"]);
  const running = await send(url, { headers });
  expect([running.status, running.json.job.status]).toEqual([200, "processing"]);
  const done = await send(url, { headers });
  expect([done.status, done.headers.location]).toEqual([303, `${reports}/files/${id}`]);

  const file = await send(done.headers.location ?? "", { headers });
  expect(file.status).toBe(302);
  const target = new URL(file.headers.location ?? "");
  expect(target.origin).not.toBe(talkdesk.endpoints().api);
  expect(target.origin).not.toBe(new URL(talkdesk.endpoints().token).origin);

  const csv = await send(target.href);
  expect([csv.status, csv.headers["content-type"]]).toEqual([200, "text/csv; charset=utf-8"]);
  expect(csv.text.split("\n")[0]).toBe(CALLS_HEADER);

  expect((await send(url, { method: "DELETE", headers })).status).toBe(204);
  expect((await send(url, { method: "DELETE", headers })).status).toBe(404);
  expect((await send(url, { headers })).status).toBe(404);
});

it("leads fetch to the file, and fetch drops the token at the change of origin", async () => {
  await using quick = await startEmulator({ reportPolls: 0 });
  const authorised = { ...(await requestBearer(quick)), "content-type": "application/json" };
  const jobs = `${quick.endpoints().api}/data/reports/calls/jobs`;
  const started = await fetch(jobs, { method: "POST", headers: authorised, body: "{}" });
  const response = await fetch(started.headers.get("location") ?? "", { headers: authorised });
  expect([response.status, response.redirected]).toEqual([200, true]);
  expect(await response.text()).toMatch(/^call_id,/);
  const [received] = quick.requests.to("files");
  expect(received).toMatchObject({ region: "us", account: "acme", status: 200 });
  expect(received?.headers).not.toHaveProperty("authorization");
});

it("makes files with the number of rows that is set, the same each time", async () => {
  const fileOf = async (reportRows: number): Promise<string> => {
    await using made = await startEmulator({ reportPolls: 0, reportRows });
    const authorised = { ...(await requestBearer(made)), "content-type": "application/json" };
    const jobs = `${made.endpoints().api}/data/reports/calls/jobs`;
    const started = await fetch(jobs, { method: "POST", headers: authorised, body: "{}" });
    return (await fetch(started.headers.get("location") ?? "", { headers: authorised })).text();
  };
  expect(await fileOf(0)).toBe(`${CALLS_HEADER}\n`);
  const long = await fileOf(1000);
  const rows = long.trimEnd().split("\n").slice(1);
  expect(rows).toHaveLength(1000);
  for (const row of rows) {
    expect(row).toMatch(
      /^[0-9a-f]{32},(?:inbound|outbound),2024-01-\d\dT[\d:]{8}Z,2024-01-\d\dT[\d:]{8}Z,\+1202\d{7},\+1312\d{7},[0-9a-f]{24},[^,]+,[^,]+@users\.example\.com(?:,\d{1,3}){3},\/recordings\/[0-9a-f]{32}$/,
    );
  }
  expect(new Set(rows.map((row) => row.slice(0, 32))).size).toBe(1000);
  expect(await fileOf(1000)).toBe(long);
});

/** Runs a report of a type, and gives the answer with its file. */
async function fetchReport(type: string, body: Readonly<Record<string, unknown>>): Promise<Response> {
  const jobs = `${talkdesk.endpoints().api}/data/reports/${type}/jobs`;
  const started = await send(jobs, { method: "POST", headers, body: JSON.stringify(body) });
  let response: Response;
  do {
    response = await fetch(started.headers.location ?? "", { headers });
  } while (!response.redirected);
  return response;
}

it.each([
  ["calls", "call_id", "start_at"],
  ["contacts", "interaction_id", "started_at"],
  ["ring_attempts", "interaction_id", "ring_started_at_time"],
  ["user_status", "user_id", "status_start_at"],
  ["studio_flow_execution", "call_sid", "timestamp"],
  ["adherence", "id", "started_at"],
])("has rows of %s in every format, within the period", async (type, first, time) => {
  const timespan = { from: "2025-03-01T00:00:00Z", to: "2025-03-02T12:00:00+02:00" };
  const json = await fetchReport(type, { format: "json", timespan, timezone: "Europe/Lisbon" });
  expect(json.headers.get("content-type")).toBe("application/json");
  const { entries } = (await json.json()) as { entries: Record<string, unknown>[] };
  expect(entries).toHaveLength(40);
  for (const entry of entries) {
    const at = Date.parse(`${String(entry[time]).replace(" ", "T").replace("Z", "")}Z`);
    expect(at).toBeGreaterThanOrEqual(Date.parse(timespan.from));
    expect(at).toBeLessThan(Date.parse(timespan.to));
  }

  const bulk = await (await fetchReport(type, { format: "json_bulk", timespan })).text();
  expect(
    bulk
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toEqual(entries);

  const [header = "", ...rows] = (await (await fetchReport(type, { timespan })).text()).trimEnd().split("\n");
  expect(header.split(",")).toEqual(Object.keys(entries[0] ?? {}));
  expect(header.split(",")[0]).toBe(first);
  expect(rows).toEqual(entries.map((entry) => Object.values(entry).join(",")));
});

it("describes the same interactions in the reports of a period, and others of another", async () => {
  const read = async (type: string, from: string): Promise<unknown[]> => {
    const timespan = { from, to: "2025-03-02 00:00:00" };
    const response = await fetchReport(type, { format: "json", timespan });
    const { entries } = (await response.json()) as { entries: Record<string, unknown>[] };
    return entries.map((entry) => entry["call_id"] ?? entry["interaction_id"]);
  };
  const calls = await read("calls", "2025-03-01T00:00:00.000");
  expect(await read("contacts", "2025-03-01T00:00:00Z")).toEqual(calls);
  expect(await read("calls", "2025-02-01T00:00:00Z")).not.toEqual(calls);
});

it("has no row of the future, and refuses a period that has not begun", async () => {
  const at = (days: number): string => new Date(Date.now() + days * 86_400_000).toISOString();
  const response = await fetchReport("calls", { format: "json", timespan: { from: at(-1), to: at(1) } });
  const { entries } = (await response.json()) as { entries: { end_at: string }[] };
  expect(entries).toHaveLength(40);
  for (const entry of entries) expect(Date.parse(entry.end_at)).toBeLessThanOrEqual(Date.now());
  const refused = await start({ timespan: { from: at(1), to: at(2) } });
  expect([refused.status, refused.json.fields[0].name]).toEqual([400, "timespan[from]"]);
});

it("lists the jobs of a type", async () => {
  const first = await start({ name: "first" });
  await start({ name: "second", format: "json" });
  const others = `${talkdesk.endpoints().api}/data/reports/contacts/jobs`;
  await send(others, { method: "POST", headers, body: "{}" });
  for (let poll = 0; poll < 2; poll += 1) await send(first.headers.location ?? "", { headers });
  const { json } = await send(`${reports}/jobs?per_page=200`, { headers });
  expect(json).toMatchObject({ total: 2, per_page: 200 });
  expect(json._embedded.jobs).toEqual([
    {
      id: first.json.job.id,
      name: "first",
      status: "done",
      format: "csv",
      _links: {
        self: { href: first.headers.location },
        files: { href: `${reports}/files/${first.json.job.id}` },
      },
    },
    expect.objectContaining({ name: "second", status: "processing", format: "json" }),
  ]);
  expect((await send(`${reports}/jobs?per_page=201`, { headers })).status).toBe(400);
});

it("finds a job under its own type only", async () => {
  const { json } = await start();
  const other = `${talkdesk.endpoints().api}/data/reports/contacts/jobs/${json.job.id}`;
  expect((await send(other, { headers })).status).toBe(404);
  expect((await send(other, { method: "DELETE", headers })).status).toBe(404);
});

it.each([
  [{ timespan: { from: "2025-01-02T00:00:00Z", to: "2025-01-01T00:00:00Z" } }, "1020005"],
  [{ timespan: { from: "2025-01-01", to: "2025-01-02" } }, "1020001"],
  [{ timespan: { from: "2025-01-01T00:00:00Z" } }, "1020001"],
  [{ timezone: "Europe/Nowhere" }, "1020016"],
  [{ format: "xlsx" }, "1020001"],
])("refuses %j", async (body, code) => {
  const answer = await start(body);
  expect([answer.status, answer.json.code]).toEqual([400, code]);
});

it("refuses a type that cannot be the name of one", async () => {
  const jobs = `${talkdesk.endpoints().api}/data/reports/Calls/jobs`;
  expect((await send(jobs, { method: "POST", headers, body: "{}" })).json.code).toBe("1020001");
  expect((await send(jobs, { headers })).json.code).toBe("1020001");
});

it("refuses a request for a file that still has a token", async () => {
  const answer = await send(await runReport(talkdesk), { headers });
  expect(answer.status).toBe(400);
  expect(talkdesk.requests.to("files").at(-1)?.headers["authorization"]).toBe(headers["authorization"]);
});

it("serves ranges of a file, and says when it has not changed", async () => {
  const url = await runReport(talkdesk);
  const whole = await send(url);
  const { etag = "" } = whole.headers;
  expect(whole.headers["accept-ranges"]).toBe("bytes");
  const size = whole.bytes.length;

  const part = async (range: string, more = {}): Promise<unknown[]> => {
    const answer = await send(url, { headers: { range, ...more } });
    return [answer.status, answer.headers["content-range"], answer.text];
  };
  expect(await part("bytes=0-6")).toEqual([206, `bytes 0-6/${size}`, "call_id"]);
  expect(await part("bytes=-5")).toEqual([
    206,
    `bytes ${size - 5}-${size - 1}/${size}`,
    whole.text.slice(-5),
  ]);
  expect(await part(`bytes=${size - 3}-`)).toEqual([
    206,
    `bytes ${size - 3}-${size - 1}/${size}`,
    whole.text.slice(-3),
  ]);
  expect(await part(`bytes=${size}-`)).toEqual([416, `bytes */${size}`, ""]);
  expect(await part("bytes=0-6", { "if-range": etag })).toEqual([206, `bytes 0-6/${size}`, "call_id"]);
  expect((await part("bytes=0-6", { "if-range": '"other"' }))[0]).toBe(200);
  expect((await part("bytes=0-1,3-4"))[0]).toBe(200);

  const unchanged = await send(url, { headers: { "if-none-match": etag } });
  expect([unchanged.status, unchanged.text]).toEqual([304, ""]);
  const head = await send(url, { method: "HEAD" });
  expect([head.status, head.headers["content-length"], head.text]).toEqual([200, String(size), ""]);
});

it("refuses a file URL without a signature, one that was altered, and a write to one", async () => {
  const url = await runReport(talkdesk);
  const altered = new URL(url);
  altered.pathname = altered.pathname.replace(/[0-9a-f]{32}/, "0".repeat(32));
  const prolonged = new URL(url);
  prolonged.searchParams.set("expires", "9999999999");
  for (const wrong of [url.split("?")[0] ?? "", altered.href, prolonged.href, `${new URL(url).origin}/`]) {
    expect((await send(wrong)).status).toBe(403);
  }
  expect((await send(url, { method: "PUT" })).status).toBe(405);
});

it("runs fifteen jobs at the same time and no more", async () => {
  const started = await Promise.all(Array.from({ length: 15 }, () => start()));
  expect(started.map(({ status }) => status)).toEqual(Array(15).fill(202));
  const refused = await start();
  expect([refused.status, refused.json.code]).toEqual([429, "1020017"]);
  await send(started[0]?.headers.location ?? "", { method: "DELETE", headers });
  expect((await start()).status).toBe(202);
  for (let poll = 0; poll < 2; poll += 1) await send(started[1]?.headers.location ?? "", { headers });
  expect((await start()).status).toBe(202);
});

it("refuses a malformed report, and one without the scope", async () => {
  for (const body of [{ name: 1 }, { format: "pdf" }, { timespan: "today" }, []]) {
    expect((await start(body)).status).toBe(400);
  }
  const reader = { ...headers, ...(await requestBearer(talkdesk, { scope: "data-reports:read" })) };
  const answer = await send(`${reports}/jobs`, { method: "POST", headers: reader, body: "{}" });
  expect(answer.status).toBe(403);
});
