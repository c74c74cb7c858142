import { getEventListeners } from "node:events";
import { answers } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { takeTurns } from "../../src/sessions/session-limits.js";
import { openStage, type PortalStage } from "../support/portal-stage.js";
import { locationOf, type Visitor, visitor } from "../support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage({ reportPolls: 1_000 });
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const week = { from: "2026-01-01", to: "2026-01-07" };
/** How often Talkdesk was asked for what a page shows, apart from the name of the user in its header. */
const polls = (): number =>
  stage.talkdesk.requests.to("api").filter(({ method, url }) => method === "GET" && url !== "/users/me")
    .length;

async function requestReport(who: Visitor = guest): Promise<string> {
  return locationOf(await who.visit("/reports", { form: week }));
}

/** A page that follows a report. */
interface Page {
  readonly status: number;
  /** Resolves when so many progress events have come in all; gives how many. */
  hasSeen(count: number): Promise<number>;
  leave(): void;
}

async function open(address: string, who: Visitor = guest): Promise<Page> {
  const leaving = new AbortController();
  const cookie = [...who.cookies].map((pair) => pair.join("=")).join("; ");
  const answer = await fetch(`${stage.origin}${address}/events`, {
    headers: { cookie, accept: "text/event-stream" },
    signal: leaving.signal,
  });
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  let text = "";
  const seen = (): number => text.split("event: progress").length - 1;
  return {
    status: answer.status,
    async hasSeen(count) {
      while (seen() < count) {
        const { value, done } = await reader.read();
        if (done) throw new Error(`the events ended: ${text}`);
        text += new TextDecoder().decode(value);
      }
      return seen();
    },
    leave: () => leaving.abort(),
  };
}

describe("pages of one session that follow the same report", () => {
  it("share its requests to Talkdesk, however many pages there are", async () => {
    const address = await requestReport();
    const pages = await Promise.all(Array.from({ length: 150 }, () => open(address)));
    const [first] = pages as [Page];
    await Promise.all(pages.map((page) => page.hasSeen(3)));
    const asked = polls();
    expect(await first.hasSeen(asked)).toBeGreaterThanOrEqual(asked);
    for (const page of pages) page.leave();
    expect(stage.log).toEqual([]);
  });

  it("go on when the page that began is closed", async () => {
    const address = await requestReport();
    const first = await open(address);
    await first.hasSeen(1);
    const second = await open(address);
    first.leave();
    expect(await second.hasSeen(4)).toBeGreaterThanOrEqual(4);
    second.leave();
  });

  it("go on when the page that asks is closed while it waits for a token", async () => {
    const address = await requestReport();
    const first = await open(address);
    await first.hasSeen(1);
    const second = await open(address);
    await second.hasSeen(1);
    stage.talkdesk.faults.add({ at: "token", delayMs: 1_000 });
    stage.talkdesk.faults.revokeTokens();
    await stage.talkdesk.requests.waitFor(({ form }) => form.get("grant_type") === "refresh_token");
    first.leave();
    expect(await second.hasSeen(4)).toBeGreaterThanOrEqual(4);
    second.leave();
  });

  it("are limited to 200", async () => {
    const address = await requestReport();
    const pages = await Promise.all(Array.from({ length: 200 }, () => open(address)));
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]));
    expect((await guest.visit(`${address}/events`)).status).toBe(429);
    const other = visitor(stage.origin);
    await other.signIn();
    const others = await open(address, other);
    expect(others.status).toBe(200);
    for (const page of [...pages, others]) page.leave();
  });
});

describe("a report that is followed again and again", () => {
  it("is not requested earlier than it would have been", async () => {
    const reportWaits = { firstMs: 600_000, longestMs: 600_000, totalMs: 6_000_000 };
    await stage[Symbol.asyncDispose]();
    stage = await openStage({ reportPolls: 1_000, reportWaits });
    guest = visitor(stage.origin);
    await guest.signIn();
    const address = await requestReport();
    for (let count = 0; count < 20; count += 1) {
      const page = await open(address);
      await page.hasSeen(1);
      page.leave();
    }
    expect(polls()).toBe(1);
  });
});

describe("one session", () => {
  /** Has the API begin so many answers, which it ends when told. */
  function holdAnswers(times: number): () => void {
    let release = (): void => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    async function* body(): AsyncGenerator<string> {
      yield '{"total":0,';
      await released;
      yield '"count":0}';
    }
    stage.talkdesk.faults.add({ at: "api", times, respond: { status: 200, body } });
    return () => release();
  }

  const always = { at: "api", times: Number.POSITIVE_INFINITY } as const;

  it("follows ten reports at most", async () => {
    stage.talkdesk.faults.add({ ...always, respond: answers.json({ job: { status: "processing" } }) });
    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, index) => open(`/reports/0123456${index}`)),
    );
    expect(pages.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const refused = await guest.visit("/reports/0123456789/events");
    expect([refused.status, refused.headers["retry-after"]]).toEqual([429, "5"]);
    expect(refused.text).toContain("You have asked for too many reports at the same time.");
    for (const page of pages) page.leave();
  });

  it("requests twenty reports in ten minutes at most, and more later", async () => {
    const respond = answers.json({ job: { id: "0123456789" } }, 202);
    stage.talkdesk.faults.add({ ...always, match: { method: "POST" }, respond });
    const request = async (day: number): Promise<number> => {
      const form = { from: "2026-01-01", to: `2026-01-${String(day).padStart(2, "0")}` };
      return (await guest.visit("/reports", { form })).status;
    };
    const statuses: number[] = [];
    for (let day = 1; day <= 20; day += 1) statuses.push(await request(day));
    expect(statuses).toEqual(Array(20).fill(303));
    expect(await Promise.all([request(21), request(22)])).toEqual([429, 429]);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_001 });
    try {
      expect(await request(23)).toBe(303);
    } finally {
      vi.useRealTimers();
    }
  });

  it("fetches five files at the same time at most", async () => {
    stage.talkdesk.faults.add({ ...always, times: 5, hang: true });
    const leaving = new AbortController();
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const address = `${stage.origin}/reports/0123456789/file`;
    const hanging = Array.from({ length: 5 }, () =>
      fetch(address, { headers: { cookie }, signal: leaving.signal }).catch(() => undefined),
    );
    await expect.poll(polls).toBe(5);
    expect((await guest.visit("/reports/0123456789/file")).status).toBe(429);
    leaving.abort();
    await Promise.all(hanging);
    await expect.poll(async () => (await guest.visit("/reports/0123456789/file")).status).toBe(404);
  });

  it("gets ten pages at the same time, and the others in turn", async () => {
    const other = visitor(stage.origin);
    await other.signIn();
    const release = holdAnswers(10);
    const pages = Array.from({ length: 30 }, (_, page) => guest.visit(`/contacts?page=${page}`));
    const served = Promise.all(pages);
    await expect.poll(polls).toBe(10);
    expect((await other.visit("/contacts")).status).toBe(200);
    expect(polls()).toBe(11);
    release();
    expect((await served).map(({ status }) => status)).toEqual(Array(30).fill(200));
  });
});

describe("turns", () => {
  const going = new AbortController().signal;

  it("are given when another request ends, and refused when too many wait", async () => {
    const take = takeTurns("pages", { atOnce: 1, waiting: 1 });
    const leave = await take("a", going);
    const second = take("a", going);
    await expect(take("a", going)).rejects.toMatchObject({ name: "LimitExceeded", what: "pages" });
    (await take("b", going))();
    leave();
    leave();
    const third = take("a", going);
    (await second)();
    (await third)();
  });

  it("are not kept for clients that have disconnected", async () => {
    const take = takeTurns("pages", { atOnce: 1, waiting: 1 });
    const leave = await take("a", going);
    const gone = new AbortController();
    const second = take("a", gone.signal);
    gone.abort();
    await expect(second).rejects.toBe(gone.signal.reason);
    const third = take("a", going);
    leave();
    (await third)();
    expect(getEventListeners(gone.signal, "abort")).toEqual([]);
  });
});
