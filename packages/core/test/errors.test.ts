import { inspect } from "node:util";
import {
  findTalkdeskError,
  isTalkdeskError,
  TalkdeskError,
  type TalkdeskErrorCode,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";

const causeOf = (cause: unknown): unknown => new TalkdeskError("token_network", "m", { cause }).cause;

describe("TalkdeskError", () => {
  it("is an Error with a name, a code and a message", () => {
    const error = new TalkdeskError("token_network", "It broke.");
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe("TalkdeskError: It broke.");
    expect(error.code).toBe("token_network");
    expect(error.stack).toMatch(/^TalkdeskError: It broke\.\n/);
  });

  it("has no members besides the given ones", () => {
    const error = new TalkdeskError("token_network", "m");
    expect(Object.keys(error).sort()).toEqual(["code", "hints", "name", "retryable"]);
    expect(error.hints).toEqual([]);
    expect("cause" in error || "retryAt" in error || "status" in error || "error" in error).toBe(false);
  });

  it("has no member for an option that is undefined", () => {
    const options = {
      retryable: undefined,
      retryAt: undefined,
      status: undefined,
      error: undefined,
      errorDescription: undefined,
      hints: undefined,
      cause: undefined,
    };
    const error = new TalkdeskError("token_network", "m", options);
    expect(Object.keys(error).sort()).toEqual(["code", "hints", "name", "retryable"]);
    expect(error).toMatchObject({ retryable: true, hints: [] });
    expect("cause" in error).toBe(false);
  });

  it.each<[TalkdeskErrorCode, boolean]>([
    ["token_network", true],
    ["token_timeout", true],
    ["token_unavailable", true],
    ["token_unexpected_response", false],
    ["token_malformed", false],
    ["response_too_large", false],
    ["unsupported_token_type", false],
    ["client_refused", false],
    ["request_refused", false],
    ["credentials_unavailable", true],
    ["token_refused", false],
    ["reauthentication_required", false],
    ["refresh_outcome_unknown", true],
    ["source_closed", false],
    ["store_unavailable", true],
    ["store_corrupt", false],
    ["lock_timeout", true],
  ])("with code %s is retryable: %s, unless told otherwise", (code, retryable) => {
    expect(new TalkdeskError(code, "m").retryable).toBe(retryable);
    expect(new TalkdeskError(code, "m", { retryable: !retryable }).retryable).toBe(!retryable);
  });

  it("has the same members in JSON, without stack and cause", () => {
    const error = new TalkdeskError("request_refused", "m", {
      retryAt: 5,
      status: 400,
      error: "e",
      errorDescription: "d",
      hints: ["h"],
      cause: new Error("beneath"),
    });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      name: "TalkdeskError",
      message: "m",
      code: "request_refused",
      retryable: false,
      retryAt: 5,
      status: 400,
      error: "e",
      errorDescription: "d",
      hints: ["h"],
    });
  });

  it.each([
    ["\u0000\u001b\u007f\u0085", "\\u0000\\u001b\\u007f\\u0085"],
    ["a\r\nb\tc", "a\\u000d\\u000ab\\u0009c"],
    ["\u2028\u2029", "\\u2028\\u2029"],
    ["\u202e\u2066\u200b\ufeff", "\\u202e\\u2066\\u200b\\ufeff"],
    ["half \ud83d pair", "half \\ud83d pair"],
    ["é 😀 \\u0041", "é 😀 \\u0041"],
  ])("escapes what cannot be printed: %j", (given, expected) => {
    const error = new TalkdeskError("request_refused", "m", { error: given, errorDescription: given });
    expect(error.error).toBe(expected);
    expect(error.errorDescription).toBe(expected);
  });

  it("cuts text to 256 characters, also after escaping", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 2_000 }), (text) => {
        const { errorDescription = "" } = new TalkdeskError("request_refused", "m", {
          errorDescription: text,
        });
        expect(errorDescription.length).toBeLessThanOrEqual(256);
        expect(errorDescription).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/u);
      }),
    );
    const { error } = new TalkdeskError("request_refused", "m", { error: "x".repeat(257) });
    expect(error).toBe(`${"x".repeat(255)}…`);
    expect(new TalkdeskError("request_refused", "m", { error: "x".repeat(256) }).error).toBe("x".repeat(256));
  });
});

describe("the cause of a TalkdeskError", () => {
  it("is reduced to name, message and code", () => {
    const cause = Object.assign(new RangeError("beneath"), { code: "E_X", request: { headers: "canary" } });
    const reduced = causeOf(cause) as Error;
    expect(reduced).toBeInstanceOf(Error);
    expect(reduced).not.toBe(cause);
    expect(reduced).toMatchObject({ name: "RangeError", message: "beneath", code: "E_X" });
    expect(Reflect.ownKeys(reduced).sort()).toEqual(["code", "message", "name", "stack"]);
    expect(inspect(reduced, { depth: Number.POSITIVE_INFINITY, showHidden: true })).not.toContain("canary");
  });

  it("is the innermost cause that has a code", () => {
    const inner = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
    const middle = new Error("middle", { cause: inner });
    expect(causeOf(new TypeError("fetch failed", { cause: middle }))).toMatchObject({
      message: "refused",
      code: "ECONNREFUSED",
    });
  });

  it("has the code of the first of several errors", () => {
    const parts = [Object.assign(new Error("v6"), { code: "EHOSTUNREACH" }), new Error("v4")];
    expect(causeOf(new AggregateError(parts))).toMatchObject({
      name: "AggregateError",
      code: "EHOSTUNREACH",
    });
  });

  it("stops at circular causes, and in long chains", () => {
    const circle: Error & { cause?: unknown } = new Error("circle");
    circle.cause = circle;
    expect(causeOf(circle)).toMatchObject({ message: "circle" });
    let chain = new Error("end");
    for (let depth = 0; depth < 10_000; depth++) chain = new Error("link", { cause: chain });
    expect(causeOf(chain)).toMatchObject({ message: "link" });
  });

  it.each<[unknown, string]>([
    ["a string", "a string"],
    [7, ""],
    [{}, ""],
    [{ message: 7, name: {}, code: 5 }, ""],
    [Symbol("s"), ""],
  ])("may be something else: %s", (cause, message) => {
    expect(causeOf(cause)).toMatchObject({ name: "Error", message });
  });

  it.each([undefined, null])("is absent for %s", (cause) => {
    expect(causeOf(cause)).toBeUndefined();
  });

  it("is cut and escaped", () => {
    const { message } = causeOf(new Error(`\u001b${"x".repeat(1_000)}`)) as Error;
    expect(message).toHaveLength(256);
    expect(message).toMatch(/^\\u001bx+…$/);
  });

  it("does not print among the members", () => {
    const error = new TalkdeskError("token_network", "m", { cause: new Error("c") });
    expect(Object.keys(error)).not.toContain("cause");
  });
});

describe("isTalkdeskError", () => {
  it.each([
    undefined,
    null,
    7,
    "TalkdeskError",
    {},
    new Error("m"),
    { name: "TalkdeskError", code: "token_network" },
  ])("says no to %s", (value) => {
    expect(isTalkdeskError(value)).toBe(false);
  });

  it("is true for an error of this copy, and of another copy, of the package", async () => {
    expect(isTalkdeskError(new TalkdeskError("token_network", "m"))).toBe(true);
    onTestFinished(() => void vi.resetModules());
    vi.resetModules();
    const other = await import("@talkdesk-oauth/core");
    const foreign = new other.TalkdeskError("token_network", "m");
    // Where modules are not loaded anew (the built package), there is no other copy to tell apart.
    expect(foreign instanceof TalkdeskError).toBe(other.TalkdeskError === TalkdeskError);
    expect(isTalkdeskError(foreign)).toBe(true);
    expect(other.isTalkdeskError(new TalkdeskError("token_network", "m"))).toBe(true);
  });

  it("adds no visible member to the error", () => {
    const error = new TalkdeskError("token_network", "m");
    expect(Object.getOwnPropertySymbols(error)).toEqual([]);
    expect(isTalkdeskError({ ...error })).toBe(false);
  });
});

describe("findTalkdeskError", () => {
  const fault = new TalkdeskError("token_network", "m");

  it("finds the error itself, and one among the causes of an error", () => {
    expect(findTalkdeskError(fault)).toBe(fault);
    const wrapped = new TypeError("fetch failed", { cause: new Error("m", { cause: fault }) });
    expect(findTalkdeskError(wrapped)).toBe(fault);
  });

  it("finds the outermost of two", () => {
    const outer = Object.assign(new TalkdeskError("store_unavailable", "m"), { cause: fault });
    expect(findTalkdeskError(new Error("m", { cause: outer }))).toBe(outer);
  });

  it.each([undefined, null, "TalkdeskError", new Error("m"), new Error("m", { cause: "none" })])(
    "finds nothing in %s",
    (value) => {
      expect(findTalkdeskError(value)).toBeUndefined();
    },
  );

  it("stops where an error is its own cause", () => {
    const error = new Error("m");
    error.cause = error;
    expect(findTalkdeskError(error)).toBeUndefined();
  });
});
