import { parseTokenResponse, type TalkdeskError } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

function waitOf(headers: Record<string, string>, body: unknown = {}, status = 503): number | undefined {
  try {
    parseTokenResponse(
      { status, headers: new Headers(headers), body: new TextEncoder().encode(JSON.stringify(body)) },
      { requestedAt: AT, grant: { grant_type: "client_credentials" } },
    );
  } catch (error) {
    const { retryAt } = error as TalkdeskError;
    return retryAt === undefined ? undefined : retryAt - AT;
  }
  throw new Error("It did not throw.");
}

describe("Retry-After", () => {
  it.each<[string, number]>([
    ["0", 0],
    ["1", 1_000],
    ["120", 120_000],
    ["  7  ", 7_000],
    ["007", 7_000],
    ["1.5", 1_500],
    ["0.0001", 1],
    ["999999999", 999_999_999_000],
  ])("of %j is that many seconds", (value, ms) => {
    expect(waitOf({ "retry-after": value })).toBe(ms);
  });

  it.each<[string, number]>([
    ["Fri, 02 Jan 2026 03:04:25 GMT", 20_000],
    ["Friday, 02-Jan-26 03:04:25 GMT", 20_000],
    ["Fri, 02 Jan 2026 03:04:05 GMT", 0],
    ["Thu, 01 Jan 1970 00:00:00 GMT", 0],
  ])("of %j is a date, never in the past", (value, ms) => {
    expect(waitOf({ "retry-after": value })).toBe(ms);
  });

  it("with a date is measured against the server's own clock", () => {
    expect(
      waitOf({
        date: "Fri, 02 Jan 2026 05:00:00 GMT",
        "retry-after": "Fri, 02 Jan 2026 05:00:30 GMT",
      }),
    ).toBe(30_000);
  });

  it("with a date falls back on this clock when the server's cannot be read", () => {
    expect(waitOf({ date: "yesterday", "retry-after": "Fri, 02 Jan 2026 03:04:15 GMT" })).toBe(10_000);
  });

  it.each([
    "",
    "-5",
    "+5",
    "1e3",
    "0x10",
    "5s",
    "5 s",
    "5, 10",
    "soon",
    "NaN",
    "Infinity",
    "9999999999",
    "1.",
    ".5",
    "2026-01-02T03:04:25Z",
    "Jan 2026",
    "Wait 5",
    "Fri, 99 Foo 2026 03:04:25 GMT",
  ])("of %j says nothing", (value) => {
    expect(waitOf({ "retry-after": value })).toBeUndefined();
  });

  it.each([429, 500, 502, 503, 504])("counts with status %d", (status) => {
    expect(waitOf({ "retry-after": "3" }, {}, status)).toBe(3_000);
  });

  it.each([302, 400, 401, 404, 511])("does not count with status %d", (status) => {
    expect(waitOf({ "retry-after": "3" }, {}, status)).toBeUndefined();
  });

  it.each<[unknown, number | undefined]>([
    [{ fields: [{ name: "retry-after", description: "5" }] }, 5_000],
    [{ fields: [{ name: "Retry-After", description: 5 }] }, 5_000],
    [{ fields: [{ name: "x" }, null, 7, { name: "retry-after", description: "5" }] }, 5_000],
    [{ fields: [{ name: "retry-after", description: "soon" }] }, undefined],
    [{ fields: [{ name: "retry-after", description: {} }] }, undefined],
    [{ fields: { name: "retry-after", description: "5" } }, undefined],
    [{ fields: "retry-after" }, undefined],
    [[], undefined],
    [null, undefined],
  ])("is also read from the fields of Talkdesk's envelope: %j", (body, ms) => {
    expect(waitOf({}, body, 429)).toBe(ms);
  });

  it("in the header goes before one in the body", () => {
    expect(waitOf({ "retry-after": "2" }, { fields: [{ name: "retry-after", description: "5" }] })).toBe(
      2_000,
    );
  });

  it("is said in the message", () => {
    const answer = () =>
      parseTokenResponse(
        { status: 429, headers: new Headers({ "retry-after": "2.2" }), body: new Uint8Array() },
        { requestedAt: AT, grant: { grant_type: "client_credentials" } },
      );
    expect(answer).toThrow("The token endpoint answered 429, and asks to wait 3 s.");
  });
});
