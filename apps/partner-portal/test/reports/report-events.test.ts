import { setTimeout as delay } from "node:timers/promises";
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

async function requestReport(): Promise<string> {
  return locationOf(await guest.visit("/reports", { form: week }));
}

const events = (text: string): string[] =>
  [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, ...all]) => all.join(": "));

describe("events", () => {
  it("tell the state of the report until it is ready", async () => {
    const address = await requestReport();
    const answer = await guest.visit(`${address}/events`);
    expect(answer.headers["content-type"]).toBe("text/event-stream");
    const told = events(answer.text);
    expect(told.filter((event) => event.startsWith("progress: "))).toEqual(
      ["", "", ""].map(() => "progress: Talkdesk is making the report."),
    );
    expect(told.filter((event) => /^elapsed: (?:\d seconds? so far)?$/.test(event))).toHaveLength(3);
    expect(told).toHaveLength(7);
    expect(told.at(-1)).toBe("over: ready");
  });

  it("go on while Talkdesk is busy, after the wait that it asks for", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", respond: { status: 503 } });
    stage.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "1" } } });
    const told = events((await guest.visit(`${address}/events`)).text);
    expect(told[0]).toBe("progress: Talkdesk is busy. The portal keeps asking.");
    expect(told[2]).toBe(told[0]);
    expect(told[4]).toBe("progress: Talkdesk is making the report.");
    expect(told.at(-1)).toBe("over: ready");
    const [busy, next] = stage.talkdesk.requests.to("api").slice(-5);
    expect((next?.at ?? 0) - (busy?.at ?? 0)).toBeGreaterThanOrEqual(990);
  });

  it("end when the report is gone", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", skip: 1, respond: { status: 404 } });
    expect(events((await guest.visit(`${address}/events`)).text).at(-1)).toBe("over: gone");
    stage.talkdesk.faults.add({ at: "api", respond: { status: 404 } });
    const page = await guest.visit(address);
    expect(page.status).toBe(404);
    expect(page.text).toContain("Talkdesk no longer has this report.");
  });

  it("end when Talkdesk fails later, and are refused when it fails at once", async () => {
    const address = await requestReport();
    stage.talkdesk.faults.add({ at: "api", skip: 1, respond: { status: 403 } });
    expect(events((await guest.visit(`${address}/events`)).text).at(-1)).toBe("over: failed");
    stage.talkdesk.faults.add({ at: "api", respond: { status: 403 } });
    expect((await guest.visit(`${address}/events`)).status).toBe(403);
  });
});

/** Opens the events as a browser does, and gives what it takes to leave them. */
async function watch(
  address: string,
  signal: AbortSignal,
): Promise<{ next(): Promise<string>; rest(): Promise<string> }> {
  const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
  const headers = { cookie, accept: "text/event-stream" };
  const { body } = await fetch(`${stage.origin}${address}/events`, { headers, signal });
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const next = async (): Promise<string> => new TextDecoder().decode((await reader.read()).value);
  return {
    next,
    async rest() {
      let text = "";
      for (let more = await next(); more !== ""; more = await next()) text += more;
      return text;
    },
  };
}

const refused = {
  at: "token",
  times: Number.POSITIVE_INFINITY,
  respond: {
    status: 400,
    headers: { "content-type": "application/json" },
    body: '{"error":"invalid_grant"}',
  },
} as const;
/** Several times as long as the portal waits between two questions. */
const severalWaitsMs = 400;
const polls = (): number => stage.talkdesk.requests.to("api").filter(({ method }) => method === "GET").length;

/** What is on its way may arrive; then there is quiet. */
async function pollsEnd(): Promise<void> {
  await vi.waitFor(
    async () => {
      const before = polls();
      await delay(severalWaitsMs);
      expect(polls()).toBe(before);
    },
    { timeout: 30_000 },
  );
}

describe("a report that is followed for long", () => {
  beforeEach(async () => {
    await stage[Symbol.asyncDispose]();
    stage = await openStage({ reportPolls: 1_000 });
    guest = visitor(stage.origin);
    await guest.signIn();
  });

  it("is no longer requested after the user has left", async () => {
    const address = await requestReport();
    const leaving = new AbortController();
    const events = await watch(address, leaving.signal);
    await events.next();
    leaving.abort();
    await pollsEnd();
    expect(stage.log).toEqual([]);
  });

  it("is never requested when the user left before it began", async () => {
    const address = await requestReport();
    const { sessions } = stage;
    const read = sessions.get.bind(sessions);
    let goOn = (): void => undefined;
    const isReading = new Promise<void>((resolve) => {
      sessions.get = (id, callback) => {
        goOn = () => read(id, callback);
        resolve();
      };
    });
    const leaving = new AbortController();
    const watching = watch(address, leaving.signal);
    await isReading;
    leaving.abort();
    await expect(watching).rejects.toThrow(/abort/);
    await delay(50);
    goOn();
    await pollsEnd();
    expect(stage.log).toEqual([]);
  });

  it("ends with a logout in another tab", async () => {
    const address = await requestReport();
    const events = await watch(address, AbortSignal.timeout(30_000));
    await events.next();
    await guest.visit("/auth/logout", { form: {} });
    expect(await events.rest()).toMatch(/event: over\ndata: failed\n\n$/);
    expect((await guest.visit(address)).status).toBe(302);
  });

  it("ends when Talkdesk wants a new login, and the page then says so", async () => {
    const address = await requestReport();
    const events = await watch(address, AbortSignal.timeout(30_000));
    await events.next();
    stage.talkdesk.faults.add(refused);
    stage.talkdesk.faults.revokeTokens();
    expect(await events.rest()).toMatch(/event: over\ndata: failed\n\n$/);
    const page = await guest.visit(address);
    expect(page.status).toBe(401);
    expect(page.text).toContain(`returnTo=${encodeURIComponent(address)}`);
  });

  it("goes on after a token was revoked", async () => {
    const address = await requestReport();
    const leaving = new AbortController();
    const events = await watch(address, leaving.signal);
    await events.next();
    stage.talkdesk.faults.revokeTokens();
    await stage.talkdesk.requests.waitFor(({ form }) => form.get("grant_type") === "refresh_token");
    expect(await events.next()).toContain("event: progress");
    leaving.abort();
  });
});

describe("following a report", () => {
  it("ends after its time limit, also when Talkdesk asks for a longer wait", async () => {
    const reportWaits = { firstMs: 50, longestMs: 50, totalMs: 2_000 };
    await using patient = await openStage({ reportPolls: 1_000, reportWaits });
    const visitorThere = visitor(patient.origin);
    await visitorThere.signIn();
    const address = locationOf(await visitorThere.visit("/reports", { form: week }));
    const first = await visitorThere.visit(`${address}/events`);
    expect(events(first.text).length).toBeGreaterThan(4);
    expect(first.text).not.toContain("event: over");

    patient.talkdesk.faults.add({ at: "api", respond: { status: 429, headers: { "retry-after": "900" } } });
    const startedAt = performance.now();
    const second = await visitorThere.visit(`${address}/events`);
    expect(events(second.text)).toHaveLength(2);
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_990);
  });

  it("does not begin for a HEAD request", async () => {
    const address = await requestReport();
    for (const part of ["events", "file"]) {
      const answer = await guest.visit(`${address}/${part}`, { method: "HEAD" });
      expect([part, answer.status, answer.headers["allow"]]).toEqual([part, 405, "GET"]);
    }
    expect(polls()).toBe(0);
  });
});
