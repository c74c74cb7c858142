import { parseTokenResponse, retryAfterMs, type TalkdeskError } from "@talkdesk-oauth/core";
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
    ["86400", 86_400_000],
    ["1, 1", 1_000],
    ["5, 10", 10_000],
    ["10,5", 10_000],
    ["5, soon", 5_000],
  ])("of %j is that many seconds", (value, ms) => {
    expect(waitOf({ "retry-after": value })).toBe(ms);
  });

  it.each([
    "86401",
    "999999999",
    "8640000000000",
    "9".repeat(400),
    "1, 8640000000000",
    "Fri, 01 Jan 9999 00:00:00 GMT",
    "Fri, 01 Jan 275000 00:00:00 GMT",
  ])("of %j is a day, and its end can be shown as a date", (value) => {
    for (const headers of [{}, { date: "Thu, 01 Jan 1970 00:00:00 GMT" }]) {
      const ms = waitOf({ "retry-after": value, ...headers }) ?? Number.NaN;
      expect(ms).toBe(86_400_000);
      expect(new Date(AT + ms).toISOString()).toBe("2026-01-03T03:04:05.000Z");
    }
    expect(waitOf({}, { fields: [{ name: "retry-after", description: value }] })).toBe(86_400_000);
  });

  it.each<[string, number]>([
    ["Fri Jan  2 03:04:25 2026", 20_000],
    ["Fri, 02 Jan 2026 03:04:25 GMT, Fri, 02 Jan 2026 03:04:35 GMT", 30_000],
    ["Friday, 02-Jan-26 03:04:25 GMT, 5", 20_000],
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
    "soon, -5",
    "soon",
    "NaN",
    "Infinity",
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

describe("retryAfterMs", () => {
  it.each<[string, Parameters<typeof retryAfterMs>[0]]>([
    ["Headers", new Headers({ "retry-after": "3" })],
    ["an object with get", { get: (name) => (name === "retry-after" ? 3 : undefined) }],
    ["a record", { "retry-after": "3" }],
    ["a record in another case", { "Retry-After": "3" }],
    ["a record with several values", { "retry-after": ["2", "3"] }],
  ])("reads %s", (_name, headers) => {
    expect(retryAfterMs(headers)).toBe(3_000);
  });

  it("is undefined for headers that ask for nothing", () => {
    expect(retryAfterMs({})).toBeUndefined();
    expect(retryAfterMs({ "retry-after": undefined })).toBeUndefined();
    expect(retryAfterMs({ get: () => null })).toBeUndefined();
  });

  it("measures a date without a Date against the present", () => {
    const ms = retryAfterMs({ "retry-after": new Date(Date.now() + 3_600_000).toUTCString() }) ?? 0;
    expect(ms).toBeGreaterThan(3_000_000);
    expect(ms).toBeLessThanOrEqual(3_600_000);
  });
});
