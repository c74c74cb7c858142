import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStage, type PortalStage } from "./portal-stage.js";
import { locationOf, type Visitor, visitor } from "./visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage({ reportPolls: 3 });
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const week = { from: "2026-01-01", to: "2026-01-07" };

async function requestReport(): Promise<string> {
  return locationOf(await guest.visit("/reports", { form: week }));
}

const events = (text: string): string[] =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, ...all]) => all.join(": "));

describe("the form", () => {
  it.each([
    [{ from: "", to: "" }, "Enter both days, such as 2026-01-31."],
    [{ from: "2026-02-31", to: "2026-03-01" }, "Enter both days, such as 2026-01-31."],
    [{ from: "2026-02-01", to: "2026-01-31" }, "The first day is after the last day."],
    [{ from: "2026-01-01", to: "2026-02-01" }, "A report can cover 31 days at most."],
  ])("comes back with what is wrong: %j", async (form, problem) => {
    const answer = await guest.visit("/reports", { form });
    expect(answer.status).toBe(422);
    expect(answer.text).toContain(`role="alert">${problem}</p>`);
    expect(answer.text).toContain(`value="${form.from}"`);
    expect(stage.talkdesk.requests.to("api")).toEqual([]);
  });

  it("asks for whole days, the last one included", async () => {
    await requestReport();
    expect(JSON.parse(stage.talkdesk.requests.to("api").at(-1)?.text ?? "")).toEqual({
      name: "calls",
      format: "csv",
      timezone: "UTC",
      timespan: { from: "2026-01-01T00:00:00.000Z", to: "2026-01-08T00:00:00.000Z" },
    });
    const { text } = await guest.visit("/reports");
    expect(text).toMatch(/Calls, 1\s?–\s?7 January 2026/);
  });
});

describe("without a script", () => {
  it("the page loads itself again until the file is there", async () => {
    const address = await requestReport();
    const pages = [];
    for (let index = 0; index < 4; index += 1) pages.push((await guest.visit(address)).text);
    const refresh = /<noscript><meta http-equiv="refresh" content="1"><\/noscript>/;
    expect(pages.map((text) => refresh.test(text))).toEqual([true, true, true, false]);
    expect(pages.map((text) => text.includes("The report is ready."))).toEqual([false, false, false, true]);
  });
});

describe("events", () => {
  it("tell what happens until it is over", async () => {
    const address = await requestReport();
    const answer = await guest.visit(`${address}/events`);
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    const told = events(answer.text);
    expect(told).toHaveLength(4);
    expect(told.slice(0, 3).join()).toMatch(
      /^(?:,?progress: Talkdesk is making the report\.(?: \d seconds? so far\.)?){3}$/,
    );
    expect(told[3]).toBe("over: ready");
  });

  it("go on while Talkdesk is busy, and wait as long as it asks", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", respond: { status: 503 } });
    stage.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "1" } } });
    const told = events((await guest.visit(`${address}/events`)).text);
    expect(told[0]).toMatch(/^progress: Talkdesk is busy; the portal will keep asking\./);
    expect(told[1]).toBe(told[0]);
    expect(told.at(-1)).toBe("over: ready");
    const [busy, next] = stage.talkdesk.requests.to("api").slice(-5);
    expect((next?.at ?? 0) - (busy?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it("end with a report that is gone", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", skip: 1, respond: { status: 404 } });
    expect(events((await guest.visit(`${address}/events`)).text).at(-1)).toBe("over: gone");
    stage.talkdesk.faults.add({ at: "api", respond: { status: 404 } });
    const page = await guest.visit(address);
    expect(page.status).toBe(404);
    expect(page.text).toContain("Talkdesk no longer has this report.");
  });

  it("end when Talkdesk fails in between, and are refused when it fails at once", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", skip: 1, respond: { status: 403 } });
    expect(events((await guest.visit(`${address}/events`)).text).at(-1)).toBe("over: failed");
    stage.talkdesk.faults.add({ at: "api", respond: { status: 403 } });
    expect((await guest.visit(`${address}/events`)).status).toBe(403);
  });
});

describe("the file", () => {
  it("comes through the portal as it is, and the token stays at the gateway", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    const file = await guest.visit(`${address}/file`);
    expect(file.status).toBe(200);
    expect(file.headers).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": "attachment; filename=calls-2026-01-01.csv",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    const [request] = stage.talkdesk.requests.to("files");
    const direct = await fetch(`http://${request?.headers["host"]}${request?.url}`);
    expect(file.text).toBe(await direct.text());
    expect(file.headers["content-length"]).toBe(String(Buffer.byteLength(file.text)));
    expect(file.text.match(/\n/g)).toHaveLength(2_001);
    expect(stage.talkdesk.requests.to("files").map(({ status }) => status)).toEqual([200, 200]);
    for (const { headers } of stage.talkdesk.requests.to("files")) {
      expect(headers).not.toHaveProperty("authorization");
      expect(headers).not.toHaveProperty("cookie");
    }
  });

  it("is not there before it is ready", async () => {
    const address = await requestReport();
    const early = await guest.visit(`${address}/file`);
    expect(early.status).toBe(303);
    expect(locationOf(early)).toBe(address);
  });

  it("that breaks off is broken for the browser as well", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    stage.talkdesk.faults.add({ at: "files", reset: "body" });
    await expect(guest.visit(`${address}/file`)).rejects.toThrow(/aborted|ECONNRESET|hang up/);
    expect((await guest.visit(`${address}/file`)).status).toBe(200);
  });

  it("that is refused is explained", async () => {
    const address = await requestReport();
    await guest.visit(`${address}/events`);
    stage.talkdesk.faults.add({ at: "files", respond: { status: 403, body: "<Error>signature</Error>" } });
    const refused = await guest.visit(`${address}/file`);
    expect(refused.status).toBe(403);
    expect(refused.text).not.toContain("signature");
  });
});
