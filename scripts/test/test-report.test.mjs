import { describe, expect, it } from "vitest";
import { formatCounts, lastLines, listFailures, readReport, readResult, sumCounts } from "../test-report.mjs";

describe("readReport", () => {
  const report = {
    passed: 3,
    failed: 1,
    skipped: 2,
    failures: [{ file: "packages/core/test/x.test.ts", name: "x > holds", message: "Error: not so" }],
  };

  it("counts the tests, and says in which step each failed", () => {
    expect(readReport("tests on the build", report, false)).toEqual({
      counts: { passed: 3, failed: 1, skipped: 2 },
      failures: [{ step: "tests on the build", ...report.failures[0] }],
    });
  });

  it("counts a run that failed without a failed test as one failure", () => {
    const unhandled = {
      ...report,
      failed: 0,
      failures: [{ file: "", name: "(an unhandled error)", message: "late" }],
    };
    expect(readReport("tests", unhandled, false).counts.failed).toBe(1);
    expect(readReport("tests", { ...report, failed: 0, failures: [] }, false).failures).toHaveLength(1);
  });

  it("counts a run that left no report as one failure", () => {
    const { counts, failures } = readReport("tests", undefined, false);
    expect(counts).toEqual({ passed: 0, failed: 1, skipped: 0 });
    expect(failures).toEqual([{ step: "tests", message: expect.stringContaining("see its output") }]);
  });
});

describe("readResult", () => {
  const result = {
    counts: { passed: 20, failed: 1, skipped: 0 },
    failures: [{ step: "tests", message: "no" }],
  };

  it("is what the command has written", () => {
    expect(readResult("npm test", result, false)).toEqual(result);
  });

  it("counts a command that wrote nothing, or ended with an error and knows of none, as one failure", () => {
    const failure = { step: "npm test", message: expect.stringContaining("before its result") };
    for (const isOk of [true, false]) {
      expect(readResult("npm test", undefined, isOk)).toEqual({
        counts: { passed: 0, failed: 1, skipped: 0 },
        failures: [failure],
      });
    }
    const unaware = { counts: { passed: 20, failed: 0, skipped: 0 }, failures: [] };
    expect(readResult("npm test", unaware, false)).toEqual({
      counts: { passed: 20, failed: 1, skipped: 0 },
      failures: [failure],
    });
    expect(readResult("npm test", unaware, true)).toEqual(unaware);
  });
});

describe("sumCounts", () => {
  it("adds up, for the last line", () => {
    const sum = sumCounts([
      { passed: 1, failed: 2, skipped: 3 },
      { passed: 10, failed: 0, skipped: 5 },
    ]);
    expect(formatCounts(sum)).toBe("11 passed, 2 failed, 8 skipped");
  });
});

describe("listFailures", () => {
  it("prints step, file, name and the first lines of the message, without colours", () => {
    const message = `\u001b[31mAssertionError: no\u001b[39m\n\n${Array.from({ length: 20 }, (_, n) => `line ${n}`).join("\n")}`;
    const list = listFailures([{ step: "tests", file: "a.test.ts", name: "a > b", message }]);
    expect(list.split("\n").slice(0, 3)).toEqual([
      "1. tests > a.test.ts > a > b",
      "   AssertionError: no",
      "   line 0",
    ]);
    expect(list.split("\n").length).toBeLessThan(12);
    expect(list).toMatch(/\n {3}…\n$/);
  });

  it("stays short, and says how many it leaves out", () => {
    const failures = Array.from({ length: 100 }, (_, n) => ({
      step: "tests",
      name: `test ${n}`,
      message: "x".repeat(5000),
    }));
    const list = listFailures(failures);
    expect(list.length).toBeLessThan(4100);
    const listed = list.match(/^\d+\. /gm)?.length ?? 0;
    expect(listed).toBeGreaterThan(3);
    expect(list).toContain(`And ${100 - listed} more: see the output above.`);
  });
});

describe("lastLines", () => {
  it("keeps the end of an output, without empty lines", () => {
    expect(lastLines("a\n\n\u001b[1mb\u001b[22m\n\n")).toBe("a\nb");
    expect(lastLines(Array.from({ length: 50 }, (_, n) => `${n}`).join("\n"))).toMatch(/^42\n.*\n49$/s);
  });
});
