import { TalkdeskError } from "@talkdesk-oauth/core";
import type { CannedAnswer } from "@talkdesk-oauth/emulator";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeFailure } from "../../src/failures/describe-failure.js";
import { openStage, type PortalStage } from "../support/portal-stage.js";
import { type Visitor, visitor } from "../support/visitor.js";

let stage: PortalStage;
let guest: Visitor;
beforeEach(async () => {
  stage = await openStage();
  guest = visitor(stage.origin);
  await guest.signIn();
});
afterEach(() => stage[Symbol.asyncDispose]());

const json = { "content-type": "application/json" };

describe("an API that refuses", () => {
  it.each<[string, CannedAnswer, number, string]>([
    [
      "the permission",
      { status: 403, headers: json, body: '{"code":"0070011"}' },
      403,
      "You do not have permission to see this",
    ],
    ["for now", { status: 429, headers: { "retry-after": "17" } }, 503, "Please try again in 17 seconds."],
    ["for a while", { status: 503 }, 503, "Please try again in a moment."],
    [
      "with a page of a proxy",
      { status: 502, body: "<h1>Bad gateway</h1>" },
      502,
      "Talkdesk is not responding",
    ],
    [
      "with something that is no JSON",
      { status: 200, body: "<h1>Hello</h1>" },
      502,
      "Talkdesk is not responding",
    ],
  ])("%s leads to an error page in plain words", async (_what, respond, status, words) => {
    stage.talkdesk.faults.add({ at: "api", respond });
    const answer = await guest.visit("/contacts?q=a");
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(words);
    expect(answer.text).toContain("mailto:help@example.com");
    expect(answer.text).not.toMatch(/Bad gateway|Hello/);
    expect(answer.headers["retry-after"]).toBe(respond.headers?.["retry-after"]);
    expect(stage.log).toHaveLength(1);
    expect((await guest.visit("/contacts?q=a")).status).toBe(200);
  });

  it("for days makes nobody wait longer than an hour", async () => {
    stage.talkdesk.faults.add({
      at: "api",
      respond: { status: 503, headers: { "retry-after": "999999" } },
    });
    const answer = await guest.visit("/contacts");
    expect([answer.status, answer.headers["retry-after"]]).toEqual([503, "3600"]);
    expect(answer.text).toContain("Please try again in 60 minutes.");
  });

  it("to connect leads to an error page in plain words", async () => {
    stage.talkdesk.faults.add({ at: "api", reset: "before" });
    const answer = await guest.visit("/profile");
    expect(answer.status).toBe(502);
    expect(answer.text).toContain('href="/profile">Try again');
  });

  it("valid tokens is asked again with another token", async () => {
    stage.talkdesk.faults.revokeTokens();
    expect((await guest.visit("/contacts")).status).toBe(200);
    expect(stage.talkdesk.requests.to("token").map(({ form }) => form.get("grant_type"))).toEqual([
      "authorization_code",
      "refresh_token",
    ]);
  });

  it("tokens for good makes the user sign in again, and come back", async () => {
    stage.talkdesk.faults.revokeTokens();
    stage.talkdesk.faults.add({
      at: "token",
      times: 2,
      respond: { status: 400, headers: json, body: '{"error":"invalid_grant"}' },
    });
    const ended = await guest.visit("/contacts?q=ada");
    expect(ended.status).toBe(401);
    expect(ended.text).toContain("Your session has ended");
    const [, again = ""] =
      /href="(\/auth\/login[^"]*)"/.exec(ended.text.slice(ended.text.indexOf("<main"))) ?? [];
    expect(again).toBe("/auth/login?returnTo=%2Fcontacts%3Fq%3Dada");
    stage.talkdesk.faults.clear();
    const back = await guest.signIn("/contacts?q=ada");
    expect(back.headers["location"]).toBe("/contacts?q=ada");
    expect((await guest.visit("/contacts?q=ada")).status).toBe(200);
  });
});

describe("an API that refuses tokens", () => {
  it("again and again does not end the session, and does not cause one token request after another", async () => {
    stage.talkdesk.faults.add({ at: "api", times: Number.POSITIVE_INFINITY, respond: { status: 401 } });
    for (let visits = 0; visits < 3; visits += 1) {
      const { status, text } = await guest.visit("/contacts");
      expect(status).toBe(403);
      expect(text).toContain("Talkdesk has refused this");
      expect(text).toContain("Sign out");
    }
    expect(stage.talkdesk.requests.to("token")).toHaveLength(2);
  });

  it("while no other token can be had leads to the error page of that failure", async () => {
    stage.talkdesk.faults.revokeTokens();
    stage.talkdesk.faults.add({ at: "token", times: Number.POSITIVE_INFINITY, respond: { status: 503 } });
    const { status, text } = await guest.visit("/contacts");
    expect(status).toBe(503);
    expect(text).toContain("Talkdesk is busy");
    expect(text).toContain("Sign out");
  });
});

describe("answers with less than expected", () => {
  it.each([
    ["/contacts", "{}"],
    ["/contacts", '{"total":-1,"_embedded":{"contacts":[null,7,{"name":3,"emails":{},"phones":[{}]}]}}'],
    ["/profile", "{}"],
    ["/", '{"name":["x"]}'],
  ])("make a page of %s: %s", async (path, body) => {
    stage.talkdesk.faults.add({ at: "api", respond: { status: 200, headers: json, body } });
    const { status, text } = await guest.visit(path);
    expect(status).toBe(200);
    expect(text).not.toMatch(/undefined|NaN|\[object/);
  });

  it("show the number of contacts in them when the total is wrong", async () => {
    for (const total of [-1, 0.5, 1e300, "many"]) {
      const body = JSON.stringify({ total, _embedded: { contacts: [{ name: "Ada" }, { name: "Bea" }] } });
      stage.talkdesk.faults.add({ at: "api", respond: { status: 200, headers: json, body } });
      expect((await guest.visit("/contacts")).text).toContain(">2 contacts.<");
    }
  });
});

describe("pages of contacts", () => {
  it.each(["0", "-1", "x", "1e9", "", "99999999999"])("show a page for page=%s", async (page) => {
    const { status } = await guest.visit(`/contacts?page=${page}`);
    expect(status).toBe(200);
  });

  it("lead from one to the next, and say when a page is beyond the end", async () => {
    const first = await guest.visit("/contacts");
    expect(first.text).toContain("120 contacts, page 1 of 6.");
    expect(first.text).toContain('rel="next" href="/contacts?page=2"');
    const last = await guest.visit("/contacts?page=6");
    expect(last.text).toContain('rel="prev" href="/contacts?page=5"');
    expect(last.text).not.toContain('rel="next"');
    expect((await guest.visit("/contacts?page=7")).text).toContain("Nothing on this page");
  });
});

describe("a form sent after the session has expired", () => {
  it("gets a page that says so, and that leads back to the form", async () => {
    stage.sessions.clear();
    const answer = await guest.visit("/reports", { form: { from: "2026-01-01", to: "2026-01-07" } });
    expect(answer.status).toBe(401);
    expect(answer.text).toContain('href="/auth/login?returnTo=%2Freports">Sign in again');
    expect(stage.talkdesk.requests.to("api")).toEqual([]);
  });
});

describe("a login that fails", () => {
  it("leads back to the page that it began from", async () => {
    const other = visitor(stage.origin);
    stage.talkdesk.faults.add({
      at: "token",
      respond: { status: 400, headers: json, body: '{"error":"invalid_grant"}' },
    });
    const failed = await other.signIn("/contacts?q=ada");
    expect(failed.text).toContain("The sign-in has failed");
    expect(failed.text).toContain('href="/auth/login?returnTo=%2Fcontacts%3Fq%3Dada"');
  });
});

describe("a lock that a killed portal has left behind", () => {
  it("does not look like a fault of Talkdesk, nor like the end of the session", () => {
    const failure = describeFailure(
      new TalkdeskError("lock_timeout", "Another process holds the lock."),
      "/contacts",
    );
    expect(failure).toMatchObject({
      status: 503,
      title: "Your session is being renewed",
      action: { path: "/contacts" },
    });
    expect(failure.text).toMatch(/Please try again in \d+ seconds\.$/);
  });
});
