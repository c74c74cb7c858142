import { afterEach, beforeEach, expect, it } from "vitest";
import { type Emulator, startEmulator } from "./support/package-under-test.js";
import { runReport } from "./support/report-file.js";
import { requestBearer } from "./support/token-request.js";
import { send, type WireResponse } from "./support/wire.js";

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

  expect((await send(`${reports}/files/${id}`, { headers })).status).toBe(404);
  for (let poll = 0; poll < 2; poll += 1) {
    const running = await send(url, { headers });
    expect([running.status, running.json.job.status]).toEqual([200, "processing"]);
  }
  const done = await send(url, { headers });
  expect([done.status, done.headers.location]).toEqual([303, `${reports}/files/${id}`]);

  const file = await send(done.headers.location ?? "", { headers });
  expect(file.status).toBe(302);
  const target = new URL(file.headers.location ?? "");
  expect(target.origin).not.toBe(talkdesk.endpoints().api);
  expect(target.origin).not.toBe(new URL(talkdesk.endpoints().token).origin);

  const csv = await send(target.href);
  expect([csv.status, csv.headers["content-type"]]).toEqual([200, "text/csv; charset=utf-8"]);
  expect(csv.text.split("\n")[0]).toBe("call_id,started_at,direction,duration_seconds,agent");

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
  expect(await fileOf(0)).toBe("call_id,started_at,direction,duration_seconds,agent\n");
  const long = await fileOf(1000);
  const rows = long.trimEnd().split("\n").slice(1);
  expect(rows).toHaveLength(1000);
  for (const row of rows) {
    expect(row).toMatch(/^[0-9a-f]{32},20\d\d-\d\d-\d\dT\d\d:00:00\.000Z,(in|out),\d{1,3},[^,]+$/);
  }
  expect(new Set(rows.map((row) => row.slice(0, 32))).size).toBe(1000);
  expect(await fileOf(1000)).toBe(long);
  expect(long.startsWith((await fileOf(300)).trimEnd())).toBe(true);
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
