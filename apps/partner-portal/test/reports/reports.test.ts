import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openStage, type PortalStage } from "../support/portal-stage.js";
import { locationOf, type Visitor, visitor } from "../support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage({ reportPolls: 3 });
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const week = { from: "2026-01-01", to: "2026-01-07" };

const REFUSED = {
  status: 400,
  headers: { "content-type": "application/json" },
  body: '{"error":"invalid_grant"}',
};

async function requestReport(): Promise<string> {
  return locationOf(await guest.visit("/reports", { form: week }));
}

/** How many reports Talkdesk was asked for. */
const requests = (): number =>
  stage.talkdesk.requests.to("api").filter(({ method }) => method === "POST").length;

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
    expect(requests()).toBe(0);
  });

  it("asks for whole days, including the last one", async () => {
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

describe("the list", () => {
  const states = (text: string): (string | undefined)[] =>
    [...text.matchAll(/class="state[^"]*">([^<]+)</g)].map(([, state]) => state);

  it("says how far each report is", async () => {
    await requestReport();
    const seen = [];
    for (let index = 0; index < 4; index += 1) seen.push(...states((await guest.visit("/reports")).text));
    expect(seen).toEqual(["In progress", "In progress", "In progress", "Ready"]);
    stage.talkdesk.faults.add({ at: "api", respond: { status: 404 } });
    expect(states((await guest.visit("/reports")).text)).toEqual(["Gone"]);
  });

  it("appears although Talkdesk does not say how far a report is, or does not answer", async () => {
    await requestReport();
    for (const fault of [
      { respond: { status: 503 } },
      { respond: { status: 403 } },
      { hang: true },
    ] as const) {
      stage.talkdesk.faults.add({ at: "api", ...fault });
      const { status, text } = await guest.visit("/reports");
      expect([status, states(text)]).toEqual([200, ["Not known"]]);
    }
  });

  it("leads to the login when the session is over", async () => {
    await requestReport();
    stage.talkdesk.faults.add({ at: "token", times: Number.POSITIVE_INFINITY, respond: REFUSED });
    stage.talkdesk.faults.revokeTokens();
    const { status, text } = await guest.visit("/reports");
    expect(status).toBe(401);
    expect(text).toContain(`returnTo=${encodeURIComponent("/reports")}`);
  });

  it("shows the last ten reports, the latest first", async () => {
    const addresses: string[] = [];
    for (let day = 10; day <= 20; day += 1) {
      const form = { from: "2026-01-01", to: `2026-01-${day}` };
      addresses.unshift(locationOf(await guest.visit("/reports", { form })));
    }
    const { text } = await guest.visit("/reports");
    const listed = [...text.matchAll(/<li><a href="([^"]+)"/g)].map(([, address]) => address);
    expect(listed).toEqual(addresses.slice(0, 10));
  });
});

describe("the form sent twice", () => {
  it("makes one report for a double click, or for a second click soon after", async () => {
    const [first, second] = await Promise.all([requestReport(), requestReport()]);
    expect(second).toBe(first);
    expect(await requestReport()).toBe(first);
    expect(requests()).toBe(1);
    const { text } = await guest.visit("/reports");
    expect(text.split(`href="${first}"`)).toHaveLength(2);
  });

  it("makes one report although the second form read the session before the first noted its report", async () => {
    const { sessions } = stage;
    const read = sessions.get.bind(sessions);
    let goOn = (): void => undefined;
    const hasRead = new Promise<void>((resolve) => {
      sessions.get = (id, callback) =>
        read(id, (error, found) => {
          goOn = () => callback(error, found);
          resolve();
        });
    });
    const late = requestReport();
    await hasRead;
    sessions.get = read;
    const first = await requestReport();
    goOn();
    expect(await late).toBe(first);
    expect(requests()).toBe(1);
  });

  it("makes one report although the browser cancelled the first request", async () => {
    stage.talkdesk.faults.add({ at: "api", delayMs: 200, match: { method: "POST" } });
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const givenUp = new AbortController();
    const first = fetch(`${stage.origin}/reports`, {
      method: "POST",
      headers: { cookie },
      body: new URLSearchParams(week),
      signal: givenUp.signal,
      redirect: "manual",
    });
    await stage.talkdesk.requests.waitFor(({ method }) => method === "POST");
    await Promise.resolve(givenUp.abort());
    await expect(first).rejects.toThrow(/abort/);
    const address = await requestReport();
    expect((await guest.visit(address)).status).toBe(200);
    expect(stage.talkdesk.requests.to("api").filter(({ method }) => method === "POST")).toHaveLength(1);
  });

  it("makes another report for other days, for another browser, and later", async () => {
    const first = await requestReport();
    const other = visitor(stage.origin);
    await other.signIn();
    const twins = await Promise.all(
      [guest, other].map((who) => who.visit("/reports", { form: { ...week, to: "2026-01-05" } })),
    );
    const all = [
      ...twins.map(locationOf),
      first,
      locationOf(await guest.visit("/reports", { form: { ...week, to: "2026-01-06" } })),
      locationOf(await other.visit("/reports", { form: week })),
    ];
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 11_000 });
    try {
      all.push(await requestReport());
    } finally {
      vi.useRealTimers();
    }
    expect(new Set(all).size).toBe(6);
  });

  it("asks again after a refusal", async () => {
    stage.talkdesk.faults.add({ at: "api", respond: { status: 429 } });
    const refused = await guest.visit("/reports", { form: week });
    expect(refused.status).toBe(503);
    expect(refused.text).toContain('href="/reports">Try again');
    expect(await requestReport()).toMatch(/^\/reports\//);
  });
});

describe("without a script", () => {
  it("the page reloads until the file is ready", async () => {
    const address = await requestReport();
    const pages = [];
    for (let index = 0; index < 4; index += 1) pages.push((await guest.visit(address)).text);
    const refresh = /<noscript><meta http-equiv="refresh" content="1"><\/noscript>/;
    expect(pages.map((text) => refresh.test(text))).toEqual([true, true, true, false]);
    expect(pages.map((text) => text.includes("The report is ready."))).toEqual([false, false, false, true]);
  });
});

describe("the page of a report", () => {
  it("does not say that a report is gone which never existed", async () => {
    const { status, text } = await guest.visit("/reports/00000000000000000000000000000000");
    expect(status).toBe(404);
    expect(text).toContain("<title>Not found: Calls");
    expect(text).toContain("Talkdesk has no report with this address.");
    expect(text).not.toContain("no longer");
  });
});
