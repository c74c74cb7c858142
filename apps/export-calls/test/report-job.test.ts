import { answers, type Emulator, type EmulatorOptions, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, describe, expect, it } from "vitest";
import { gatewayCalls, type Workplace, workplace } from "./export-run.js";

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

const posts = (): number => gatewayCalls(talkdesk).filter((call) => call.startsWith("POST")).length;
const jobPath = /\/jobs\/[0-9a-f]{32}$/;

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
    expect(lines).toContain("… Talkdesk is busy (429); asking again in 5 s.");
  });

  it("waits longer each time when nothing is said", async () => {
    await start({ reportPolls: 0 });
    talkdesk.faults.add({ at: "api", times: 3, respond: answers.tooManyRequests() });
    const { waits } = await place.run();
    expect(waits).toEqual([1_000, 1_500, 2_250]);
  });

  it("does not wait for what would take too long", async () => {
    await start();
    talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(3_600) });
    const { code, waits, complaints } = await place.run();
    expect([code, waits]).toEqual([1, []]);
    expect(complaints).toEqual([
      "Requesting the report would take longer than 30 minutes (Talkdesk asks to wait 3600 s more); run the same command again later.",
    ]);
  });

  it("is not repeated when its answer is lost, since the report may have been made", async () => {
    await start();
    talkdesk.faults.add({ at: "api", lose: true });
    const { code, complaints } = await place.run();
    expect([code, complaints, posts()]).toEqual([1, ["Talkdesk could not be reached (ECONNRESET)."], 1]);
  });

  it("never takes the token where a foreign Location leads", async () => {
    await start();
    const foreign = answers.json({}, 202, { location: "http://127.0.0.1:9/data/reports/calls/jobs/1" });
    talkdesk.faults.add({ at: "api", respond: foreign });
    expect((await place.run()).complaints).toEqual([
      "Talkdesk accepted the report, but did not say where it is.",
    ]);
  });
});

describe("polling", () => {
  it("asks less and less often, and in the end not at all", async () => {
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

  it("goes on after busy answers and lost connections, and honours Retry-After", async () => {
    await start({ reportPolls: 1 });
    const match = { method: "GET", path: jobPath };
    talkdesk.faults.add({ at: "api", match, respond: answers.unavailable(20) });
    talkdesk.faults.add({ at: "api", match, respond: answers.html(502) });
    talkdesk.faults.add({ at: "api", match, reset: "before" });
    const { code, waits, lines } = await place.run();
    expect([code, waits]).toEqual([0, [20_000, 1_500, 2_250, 3_375]]);
    expect(lines.filter((line) => line.startsWith("…"))).toEqual([
      "… Talkdesk is busy (503); asking again in 20 s.",
      "… Talkdesk is busy (502); asking again in 1.5 s.",
      "… Talkdesk cannot be reached; asking again in 2.3 s.",
      "… The report is being made; asking again in 3.4 s.",
    ]);
  });

  it("ends when the report has failed, and the next run asks for another", async () => {
    await start({ reportPolls: 1 });
    const failed = talkdesk.faults.add({
      at: "api",
      times: 2,
      match: { path: jobPath },
      patch: { job: { status: "failed" } },
    });
    const first = await place.run();
    expect([first.code, first.complaints]).toEqual([
      1,
      ["Talkdesk says that the report is failed; run the same command again."],
    ]);
    const second = await place.run();
    expect(failed.hits).toBe(2);
    expect([second.code, posts()]).toEqual([0, 2]);
    expect(second.lines).toContain("That report is failed; asking for a new one.");
  });

  it("takes the file's link from a 200 that says done", async () => {
    await start();
    const stopped = await place.run([], { onWait: (_, stop) => stop() });
    expect(stopped.code).toBe(1);
    const { job } = JSON.parse((await place.read(".part.json")).toString());
    await place.run([], { onWait: (_, stop) => stop() });
    const links = { files: { href: job.replace("/jobs/", "/files/") } };
    talkdesk.faults.add({
      at: "api",
      match: { path: jobPath },
      respond: answers.json({ job: { status: "done" }, _links: links }),
    });
    const { code, waits } = await place.run();
    expect([code, waits]).toEqual([0, []]);
  });
});

describe("stopping while the report is made", () => {
  it("keeps the job, which the next run goes on with", async () => {
    await start({ reportPolls: 3 });
    const stopped = await place.run([], { onWait: (index, stop) => index === 1 && stop() });
    expect(stopped.code).toBe(1);
    expect(stopped.complaints).toEqual([
      `Stopped; run the same command again to go on with ${place.out}.part.`,
    ]);
    expect(await place.files()).toEqual(["calls.csv.part.json"]);
    const { code, lines } = await place.run();
    expect([code, posts()]).toEqual([0, 1]);
    expect(lines[0]).toMatch(/^Going on with the report of an earlier run: calls from /);
    expect(await place.files()).toEqual(["calls.csv"]);
  });

  it("leaves nothing when there was no job yet", async () => {
    await start();
    talkdesk.faults.add({ at: "api", respond: answers.tooManyRequests(7) });
    const stopped = await place.run([], { onWait: (_, stop) => stop() });
    expect([stopped.code, stopped.complaints]).toEqual([1, ["Stopped before there was anything to keep."]]);
    expect(await place.files()).toEqual([]);
  });
});

describe("a later run", () => {
  const stopEarly = { onWait: (_: number, stop: () => void) => stop() };

  it("asks for a new report when another period is wanted, or the old one is gone", async () => {
    await start();
    await place.run(["--from", "2026-01-01"], stopEarly);
    await place.run(["--from", "2026-01-02"], stopEarly);
    expect(posts()).toBe(2);
    await place.run(["--from", "2026-01-02"], stopEarly);
    expect(posts()).toBe(2);
    talkdesk.faults.add({ at: "api", match: { path: jobPath }, respond: answers.empty(404) });
    const { code, lines } = await place.run();
    expect([code, posts()]).toEqual([0, 3]);
    expect(lines[1]).toBe("That report is gone; asking for a new one.");
  });

  it("never takes its token to another host than the gateway", async () => {
    await start();
    await place.run([], stopEarly);
    await using other = await startEmulator();
    await using elsewhere = await workplace(other.environment());
    const moved = await elsewhere.run(["--out", place.out]);
    expect(moved.code).toBe(0);
    expect(gatewayCalls(talkdesk)).toHaveLength(2);
    expect(gatewayCalls(other)[0]).toMatch(/^POST/);
  });
});
