import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "@talkdesk-oauth/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStage, type PortalStage } from "./support/portal-stage.js";
import { type Visitor, visitor } from "./support/visitor.js";

let aheadMs: number;
const clock: Clock = {
  now: () => Date.now() + aheadMs,
  monotonic: () => performance.now() + aheadMs,
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  aheadMs = 0;
  stage = await openStage({ clock });
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const expire = (): void => {
  aheadMs = 600_000;
};
const grants = (): (string | null)[] =>
  stage.talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"));

describe("a token that has expired", () => {
  it("is renewed once for ten requests of one session, which all get the new token", async () => {
    await guest.visit("/");
    const earlier = stage.talkdesk.requests.to("api").length;
    expire();
    const paths = ["/", "/contacts", "/profile", "/contacts?q=a", "/contacts?page=2"];
    const answers = await Promise.all([...paths, ...paths].map((path) => guest.visit(path)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(grants()).toEqual(["authorization_code", "refresh_token"]);
    const calls = stage.talkdesk.requests.to("api").slice(earlier);
    expect(calls).toHaveLength(10);
    expect(new Set(calls.map(({ headers }) => headers["authorization"])).size).toBe(1);
    expect((await guest.visit("/contacts")).status).toBe(200);
    expect(grants()).toHaveLength(2);
  });

  it("is renewed separately for each browser", async () => {
    const other = visitor(stage.origin);
    await other.signIn();
    expire();
    const answers = await Promise.all([guest.visit("/contacts"), other.visit("/contacts")]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(grants()).toEqual(["authorization_code", "authorization_code", "refresh_token", "refresh_token"]);
  });

  it("stops being awaited when its user leaves, and others go on", async () => {
    expire();
    stage.talkdesk.faults.add({ at: "token", delayMs: 400 });
    const gone = new AbortController();
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const left = fetch(`${stage.origin}/contacts`, { headers: { cookie }, signal: gone.signal });
    const stays = guest.visit("/contacts");
    await stage.talkdesk.requests.waitFor(({ form }) => form.get("grant_type") === "refresh_token");
    gone.abort();
    await expect(left).rejects.toThrow(/abort/i);
    expect((await stays).status).toBe(200);
    expect(grants()).toEqual(["authorization_code", "refresh_token"]);
    expect(stage.log).toEqual([]);
  });

  it("does not delay a double click: the report is made although the first request was cancelled", async () => {
    expire();
    stage.talkdesk.faults.add({ at: "token", delayMs: 3_000 });
    const form = { from: "2026-01-01", to: "2026-01-07" };
    const cookie = [...guest.cookies].map((pair) => pair.join("=")).join("; ");
    const gone = new AbortController();
    const first = fetch(`${stage.origin}/reports`, {
      method: "POST",
      headers: { cookie },
      body: new URLSearchParams(form),
      signal: gone.signal,
    });
    await stage.talkdesk.requests.waitFor(({ form: sent }) => sent.get("grant_type") === "refresh_token");
    const second = guest.visit("/reports", { form });
    // Both wait for the token by then.
    await delay(100);
    gone.abort();
    await expect(first).rejects.toThrow(/abort/i);
    expect((await second).status).toBe(303);
  });

  it("that cannot be renewed now asks the user to try again, without another login", async () => {
    expire();
    stage.talkdesk.faults.add({ at: "token", times: 9, respond: { status: 503 } });
    const failed = await guest.visit("/contacts?q=ada");
    expect(failed.status).toBe(503);
    expect(failed.text).toContain('href="/contacts?q=ada">Try again');
    expect(failed.text).toContain("Sign out");
    stage.talkdesk.faults.clear();
    aheadMs += 60_000;
    expect((await guest.visit("/contacts?q=ada")).status).toBe(200);
  });

  it("that cannot be renewed because Talkdesk does not answer leads to an error page, and the portal goes on", async () => {
    expire();
    await stage.talkdesk.stop();
    const failed = await guest.visit("/contacts?q=ada");
    expect(failed.status).toBe(502);
    expect(failed.text).toContain('href="/contacts?q=ada">Try again');
    expect(failed.text).toContain("Sign out");
    expect((await guest.visit("/reports")).status).toBe(200);
  });

  it("that can never be renewed again ends the session, and the page says so", async () => {
    expire();
    stage.talkdesk.faults.add({
      at: "token",
      times: 2,
      respond: {
        status: 400,
        headers: { "content-type": "application/json" },
        body: '{"error":"invalid_grant"}',
      },
    });
    const { status, text } = await guest.visit("/contacts");
    expect(status).toBe(401);
    expect(text).toContain("Your session has ended");
    expect(text).not.toContain("Sign out");
  });
});
