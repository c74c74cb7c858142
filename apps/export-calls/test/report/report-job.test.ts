import { answers, type Emulator, type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, describe, expect, it } from "vitest";
import { listGatewayCalls, type Workplace, workplace } from "../support/workplace.js";

let talkdesk: Emulator;
let place: Workplace;

async function start(options: EmulatorOptions = {}): Promise<void> {
  talkdesk = await startEmulator(options);
  place = await workplace(talkdesk.environment());
}

afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await talkdesk.stop();
});

const posts = (): number => listGatewayCalls(talkdesk).filter((call) => call.startsWith("POST")).length;
const JOB_PATH = /\/jobs\/[0-9a-f]{32}$/;

describe("requesting a report", () => {
  it("waits as long as Retry-After says", async () => {
    await start({ reportPolls: 0 });
    talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(7) });
    const { code, waits } = await place.run();
    expect([code, waits, posts()]).toEqual([0, [7_000], 2]);
  });

  it("waits until the date that Retry-After says, on the server's clock", async () => {
    await start({ reportPolls: 0 });
    const headers = { date: "Mon, 05 Jan 2015 10:00:00 GMT", "retry-after": "Mon, 05 Jan 2015 10:00:09 GMT" };
    talkdesk.faults.add({ at: "api", respond: { status: 503, headers } });
    const { code, waits } = await place.run();
    expect([code, waits]).toEqual([0, [9_000]]);
  });

  it("waits as long as the entry retry-after of the fields says", async () => {
    await start({ reportPolls: 0 });
    const body = { code: "0020017", message: "Busy", fields: [{ name: "retry-after", description: "5" }] };
    talkdesk.faults.add({ at: "api", respond: answers.json(body, 429) });
    const { code, waits, lines } = await place.run();
    expect([code, waits]).toEqual([0, [5_000]]);
    expect(lines).toContain("… Talkdesk is busy (429). Asking again in 5 s.");
  });

  it("waits longer each time without Retry-After", async () => {
    await start({ reportPolls: 0 });
    talkdesk.faults.add({ at: "api", times: 3, respond: answers.tooManyRequests() });
    const { waits } = await place.run();
    expect(waits).toEqual([1_000, 1_500, 2_250]);
  });

  it("gives up at once when the wait would be too long", async () => {
    await start();
    talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(3_600) });
    const { code, waits, complaints } = await place.run();
    expect([code, waits]).toEqual([1, []]);
    expect(complaints).toEqual([
      "Requesting the report would take longer than 30 minutes (Talkdesk asks to wait 3600 s more); run the same command again later.",
    ]);
  });

  it("is not repeated when its answer is lost, since the report may exist", async () => {
    await start();
    talkdesk.faults.add({ at: "api", lose: true });
    const { code, complaints } = await place.run();
    expect([code, complaints, posts()]).toEqual([1, ["Talkdesk could not be reached (ECONNRESET)."], 1]);
  });

  it("never sends the token to a foreign Location", async () => {
    await start();
    const foreign = answers.json({}, 202, { location: "http://127.0.0.1:9/data/reports/calls/jobs/1" });
    talkdesk.faults.add({ at: "api", respond: foreign });
    expect((await place.run()).complaints).toEqual([
      "Talkdesk accepted the request for a report, but did not send the address of the report.",
    ]);
  });
});

describe("polling", () => {
  it("asks less and less often, and gives up after half an hour", async () => {
    await start({ reportPolls: 10_000 });
    const { code, waits, complaints } = await place.run();
    expect(waits.slice(0, 4)).toEqual([1_000, 1_500, 2_250, 3_375]);
    expect(Math.max(...waits)).toBe(15_000);
    const total = waits.reduce((sum, ms) => sum + ms);
    expect(total).toBeGreaterThan(29 * 60_000);
    expect(total).toBeLessThanOrEqual(30 * 60_000);
    expect(code).toBe(1);
    expect(complaints[0]).toMatch(/^Preparing the report would take longer than 30 minutes; run the same/);
    expect(await place.files()).toEqual(["calls.csv.part.json"]);
  });

  it("continues after busy answers and lost connections, and observes Retry-After", async () => {
    await start({ reportPolls: 1 });
    const match = { method: "GET", path: JOB_PATH };
    talkdesk.faults.add({ at: "api", match, respond: answers.unavailable(20) });
    talkdesk.faults.add({ at: "api", match, respond: answers.html(502) });
    talkdesk.faults.add({ at: "api", match, reset: "before" });
    const { code, waits, lines } = await place.run();
    expect([code, waits]).toEqual([0, [20_000, 1_500, 2_250, 3_375]]);
    expect(lines.filter((line) => line.startsWith("…"))).toEqual([
      "… Talkdesk is busy (503). Asking again in 20 s.",
      "… Talkdesk is busy (502). Asking again in 1.5 s.",
      "… Talkdesk cannot be reached. Asking again in 2.3 s.",
      "… The report is being made. Asking again in 3.4 s.",
    ]);
  });

  it("ends when the report has failed, and the next run requests another", async () => {
    await start({ reportPolls: 1 });
    const failed = talkdesk.faults.add({
      at: "api",
      times: 2,
      match: { path: JOB_PATH },
      patch: { job: { status: "failed" } },
    });
    const first = await place.run();
    expect([first.code, first.complaints]).toEqual([
      1,
      ["The report has failed; run the same command again."],
    ]);
    const second = await place.run();
    expect(failed.hits).toBe(2);
    expect([second.code, posts()]).toEqual([0, 2]);
    expect(second.lines).toContain("That report has failed. Requesting a new one.");
  });

  it("takes the address of the file from a 200 with the state done", async () => {
    await start();
    const stopped = await place.run([], { onWait: (_, stop) => stop() });
    expect(stopped.code).toBe(1);
    const { job } = JSON.parse((await place.read(".part.json")).toString());
    await place.run([], { onWait: (_, stop) => stop() });
    const links = { files: { href: job.replace("/jobs/", "/files/") } };
    talkdesk.faults.add({
      at: "api",
      match: { path: JOB_PATH },
      respond: answers.json({ job: { status: "done" }, _links: links }),
    });
    const { code, waits } = await place.run();
    expect([code, waits]).toEqual([0, []]);
  });
});

describe("stopping while the report is made", () => {
  it("keeps the job for the next run", async () => {
    await start({ reportPolls: 3 });
    const stopped = await place.run([], { onWait: (index, stop) => index === 1 && stop() });
    expect(stopped.code).toBe(1);
    expect(stopped.complaints).toEqual([
      `Stopped. Run the same command again to continue with ${place.out}.part.`,
    ]);
    expect(await place.files()).toEqual(["calls.csv.part.json"]);
    const { code, lines } = await place.run();
    expect([code, posts()]).toEqual([0, 1]);
    expect(lines[0]).toMatch(/^Continuing with the report of an earlier run: calls from /);
    expect(await place.files()).toEqual(["calls.csv"]);
  });

  it("leaves no files before there is a job", async () => {
    await start();
    talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(7) });
    const stopped = await place.run([], { onWait: (_, stop) => stop() });
    expect([stopped.code, stopped.complaints]).toEqual([1, ["Stopped before a report was requested."]]);
    expect(await place.files()).toEqual([]);
  });
});

describe("a later run", () => {
  const stopEarly = { onWait: (_: number, stop: () => void) => stop() };

  it("requests a new report for another period, or when the old one no longer exists", async () => {
    await start();
    await place.run(["--from", "2026-01-01"], stopEarly);
    await place.run(["--from", "2026-01-02"], stopEarly);
    expect(posts()).toBe(2);
    await place.run(["--from", "2026-01-02"], stopEarly);
    expect(posts()).toBe(2);
    talkdesk.faults.add({ at: "api", match: { path: JOB_PATH }, respond: answers.empty(404) });
    const { code, lines } = await place.run();
    expect([code, posts()]).toEqual([0, 3]);
    expect(lines[1]).toBe("That report no longer exists. Requesting a new one.");
  });

  it("never sends its token to another host than the gateway", async () => {
    await start();
    await place.run([], stopEarly);
    await using other = await startEmulator();
    await using elsewhere = await workplace(other.environment());
    const moved = await elsewhere.run(["--out", place.out]);
    expect(moved.code).toBe(0);
    expect(listGatewayCalls(talkdesk)).toHaveLength(2);
    expect(listGatewayCalls(other)[0]).toMatch(/^POST/);
  });
});
