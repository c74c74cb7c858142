import { readFile, truncate, writeFile } from "node:fs/promises";
import { answers, type Emulator, type Fault, startEmulator } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  downloadServedFile,
  listGatewayCalls,
  listRanges,
  type Workplace,
  workplace,
} from "../support/workplace.js";

let talkdesk: Emulator;
let place: Workplace;
beforeEach(async () => {
  talkdesk = await startEmulator({ reportRows: 20_000, reportPolls: 0 });
  place = await workplace(talkdesk.environment());
});
afterEach(async () => {
  await place[Symbol.asyncDispose]();
  await talkdesk.stop();
});

const FOREVER = Number.POSITIVE_INFINITY;
const posts = (): number => listGatewayCalls(talkdesk).filter((call) => call.startsWith("POST")).length;

async function expectWhole(): Promise<void> {
  expect(await place.files()).toEqual(["calls.csv"]);
  expect((await place.read()).equals(await downloadServedFile(talkdesk))).toBe(true);
}

/** Stops a run when a part of the file has been written. */
async function stopHalfway(): Promise<void> {
  talkdesk.faults.add({ at: "files", trickle: { chunkBytes: 65_536, everyMs: 50 } });
  const { code } = await place.run([], { onLine: (line, stop) => /(?:25|50|75) %/.test(line) && stop() });
  expect(code).toBe(1);
  expect(await place.files()).toEqual(["calls.csv.part", "calls.csv.part.json"]);
  expect((await place.read(".part")).length).toBeGreaterThan(100_000);
  talkdesk.requests.clear();
}

describe("an interruption", () => {
  it.each<[string, Fault]>([
    ["is cut short", { at: "files", truncate: 500_000 }],
    ["is reset", { at: "files", reset: "body" }],
  ])("of a body that %s is followed by a request for the rest", async (_, fault) => {
    talkdesk.faults.add(fault);
    const { code, waits } = await place.run();
    expect([code, waits]).toEqual([0, [1_000]]);
    const [first, second] = talkdesk.requests.to("files");
    expect(first?.headers).not.toHaveProperty("range");
    expect(second?.headers["range"]).toMatch(/^bytes=[1-9]\d+-$/);
    expect(second?.headers["if-range"]).toMatch(/^"[0-9a-f]{32}"$/);
    expect(second?.status).toBe(206);
    expect(listGatewayCalls(talkdesk).filter((call) => call.includes("/files/"))).toHaveLength(2);
    for (const { headers } of talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
    }
    await expectWhole();
  });

  it("is noticed when no more data arrives", async () => {
    talkdesk.faults.add({ at: "files", trickle: { chunkBytes: 400_000, everyMs: 60_000 } });
    const { code, lines } = await place.run([], { stallMs: 3_000 });
    expect(code).toBe(0);
    expect(lines).toContain("Interrupted: no data arrived for 3 s. Trying again in 1 s.");
    expect(listRanges(talkdesk)).toEqual([undefined, "bytes=400000-"]);
    await expectWhole();
  });

  it("of any other kind is followed by a wait as long as the server asks", async () => {
    talkdesk.faults.add({ at: "files", respond: answers.unavailable(4) });
    talkdesk.faults.add({
      at: "files",
      respond: { status: 403, body: "<Error>Request has expired</Error>" },
    });
    talkdesk.faults.add({ at: "api", match: { path: /\/files\// }, skip: 2, reset: "before" });
    const { code, waits } = await place.run();
    expect([code, waits]).toEqual([0, [4_000, 1_500, 2_250]]);
    await expectWhole();
  });

  it("that repeats ends the run after a few attempts, and a later run resumes", async () => {
    talkdesk.faults.add({ at: "files", truncate: 100_000, times: FOREVER });
    const { code, complaints } = await place.run();
    expect(code).toBe(1);
    expect(complaints[0]).toMatch(
      /^The download was interrupted 6 times, the last time because the connection was lost.*\. Run the same command again to continue with .*calls\.csv\.part\.$/,
    );
    const starts = listRanges(talkdesk).map((range) => Number(range?.match(/\d+/)?.[0] ?? 0));
    expect(starts).toHaveLength(6);
    expect(starts).toEqual([...new Set(starts)].sort((one, other) => one - other));
    const { length } = await place.read(".part");
    expect(length).toBeGreaterThan(starts.at(-1) ?? 0);
    talkdesk.faults.clear();
    talkdesk.requests.clear();
    expect((await place.run()).code).toBe(0);
    expect(posts()).toBe(0);
    expect(listRanges(talkdesk)).toEqual([`bytes=${length}-`]);
    await expectWhole();
  });
});

describe("a run that is stopped", () => {
  it("leaves what a later run needs, and no secret", async () => {
    const { clientSecret } = talkdesk.clients.get();
    await stopHalfway();
    const state = (await place.read(".part.json")).toString("utf8");
    expect(Object.keys(JSON.parse(state))).toEqual(["job", "from", "to", "etag"]);
    expect(state).not.toMatch(/signature|expires|Bearer/);
    expect(state).not.toContain(clientSecret);
    const { length } = await place.read(".part");
    expect((await place.run()).code).toBe(0);
    expect(posts()).toBe(0);
    expect(listRanges(talkdesk)).toEqual([`bytes=${length}-`]);
    await expectWhole();
  });
});

describe("a later run", () => {
  const changeState = async (change: Record<string, unknown>): Promise<void> => {
    const name = `${place.out}.part.json`;
    const state = JSON.parse(await readFile(name, "utf8"));
    await writeFile(name, JSON.stringify({ ...state, ...change }));
  };

  it("starts over when the file has changed", async () => {
    await stopHalfway();
    await writeFile(`${place.out}.part`, "of another file");
    await changeState({ etag: '"of-another-file"' });
    expect((await place.run()).code).toBe(0);
    const [request] = talkdesk.requests.to("files");
    expect([request?.headers["if-range"], request?.status]).toEqual(['"of-another-file"', 200]);
    await expectWhole();
  });

  it.each([
    ["weak", 'W/"abc"'],
    ["absent", undefined],
    ["malformed", "a\r\nb"],
  ])("requests the whole file when the ETag is %s", async (_, etag) => {
    await stopHalfway();
    await changeState({ etag });
    expect((await place.run()).code).toBe(0);
    expect(listRanges(talkdesk)).toEqual([undefined]);
    await expectWhole();
  });

  it("completes a file that is already whole", async () => {
    await stopHalfway();
    const whole = await wholeFile();
    await writeFile(`${place.out}.part`, whole);
    expect((await place.run()).code).toBe(0);
    expect(talkdesk.requests.to("files").map(({ status }) => status)).toEqual([416]);
    await expectWhole();
  });

  it("starts over when the part is larger than the file", async () => {
    await stopHalfway();
    await truncate(`${place.out}.part`, 9_000_000);
    const { code, lines } = await place.run();
    expect(code).toBe(0);
    expect(lines).toContain("Interrupted: the file has changed. Trying again in 1 s.");
    expect(listRanges(talkdesk)).toEqual(["bytes=9000000-", undefined]);
    await expectWhole();
  });

  it("starts over when a response does not continue the part", async () => {
    await stopHalfway();
    talkdesk.faults.add({
      at: "files",
      respond: { status: 206, headers: { "content-range": "bytes 5-6/7" }, body: "xx" },
    });
    expect((await place.run()).code).toBe(0);
    expect(talkdesk.requests.to("files").map(({ status }) => status)).toEqual([206, 200]);
    await expectWhole();
  });

  it("requests a new report when the state is malformed", async () => {
    await stopHalfway();
    await writeFile(`${place.out}.part.json`, "{");
    expect((await place.run()).code).toBe(0);
    expect([posts(), listRanges(talkdesk)]).toEqual([1, [undefined]]);
    await expectWhole();
  });

  it("drops a report whose file no longer exists", async () => {
    await stopHalfway();
    talkdesk.faults.add({ at: "files", respond: answers.empty(404) });
    const { code, complaints } = await place.run();
    expect([code, complaints]).toEqual([
      1,
      ["The file of the report no longer exists (404); run the same command again for a new report."],
    ]);
    expect(await place.files()).toEqual([]);
  });

  async function wholeFile(): Promise<Buffer> {
    await using other = await startEmulator({ reportRows: 20_000, reportPolls: 0 });
    await using elsewhere = await workplace(other.environment());
    await elsewhere.run();
    return elsewhere.read();
  }
});

describe("a file", () => {
  it("of unknown length is written until its end", async () => {
    const pieces = ["call_id\n", "1\n", "2\n"];
    talkdesk.faults.add({ at: "files", respond: { status: 200, body: stream(pieces) } });
    expect((await place.run()).code).toBe(0);
    expect((await place.read()).toString()).toBe(pieces.join(""));
  });

  it("without an ETag is downloaded from the beginning again", async () => {
    const cut = { status: 200, headers: { "content-length": "1000" }, body: stream(["call_id\n"], "cut") };
    talkdesk.faults.add({ at: "files", respond: cut });
    expect((await place.run()).code).toBe(0);
    expect(listRanges(talkdesk)).toEqual([undefined, undefined]);
    await expectWhole();
  });

  it("that is compressed against the request is refused", async () => {
    const headers = { "content-encoding": "gzip" };
    talkdesk.faults.add({ at: "files", respond: { status: 200, headers, body: "x" } });
    const { code, complaints } = await place.run();
    expect([code, complaints]).toEqual([
      1,
      ["The file is compressed (gzip), although the request excluded compression."],
    ]);
    expect(talkdesk.requests.to("files")[0]?.headers["accept-encoding"]).toBe("identity");
  });

  it("that cannot be written ends in one sentence", async () => {
    await writeFile(`${place.out}.part`, "");
    const { code, complaints } = await place.run(["--out", "/proc/calls.csv"]);
    expect(code).toBe(1);
    expect(complaints[0]).toMatch(/^\/proc\/calls\.csv\.part\S* cannot be written \(E[A-Z]+\)\.$/);
  });
});

async function* stream(pieces: readonly string[], end?: "cut"): AsyncGenerator<string> {
  yield* pieces;
  // The emulator destroys the connection of an answer whose body fails.
  if (end === "cut") throw new Error("cut");
}
