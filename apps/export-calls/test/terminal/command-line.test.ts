import { describe, expect, it } from "vitest";
import { findLastDay, readCommandLine } from "../../src/terminal/command-line.js";
import { workplace } from "../support/workplace.js";

describe("the period", () => {
  it("is the one in the arguments, in UTC", () => {
    const { period } = readCommandLine(["--from", "2026-01-31T08:00+02:00", "--to=2026-02-01T09:30Z"]);
    expect(period).toEqual({ from: "2026-01-31T06:00:00.000Z", to: "2026-02-01T09:30:00.000Z" });
  });

  it("includes the last day", () => {
    const { period } = readCommandLine(["--from", "2026-01-01", "--to", "2026-01-31"]);
    expect(period).toEqual({ from: "2026-01-01T00:00:00.000Z", to: "2026-02-01T00:00:00.000Z" });
  });

  it("is one day when one end is given, or the same day twice", () => {
    const day = { from: "2026-01-30T00:00:00.000Z", to: "2026-01-31T00:00:00.000Z" };
    expect(readCommandLine(["--from", "2026-01-30"]).period).toEqual(day);
    expect(readCommandLine(["--to", "2026-01-30"]).period).toEqual(day);
    expect(readCommandLine(["--from", "2026-01-30", "--to", "2026-01-30"]).period).toEqual(day);
    expect(readCommandLine(["--to", "2026-01-31T00:00Z"]).period).toEqual(day);
  });

  it("is the last whole day when neither end is given", () => {
    expect(readCommandLine([])).toEqual({ help: false, period: undefined, out: "calls.csv" });
    expect(findLastDay(Date.parse("2026-03-01T15:00:00Z"))).toEqual({
      from: "2026-02-28T00:00:00.000Z",
      to: "2026-03-01T00:00:00.000Z",
    });
  });
});

describe("the command", () => {
  it.each<[readonly string[], string]>([
    [["--since", "2026"], "Unknown option '--since'; the options are --from ISO, --to ISO and --out FILE."],
    [["calls.csv"], "Unexpected argument 'calls.csv'; the options are"],
    [["--from"], "Option '--from <value>' argument missing; the options are"],
    [["--from", "yesterday"], "--from must be a date or an instant with its offset, such as"],
    [["--from", "2026-02-31"], "--from must be a date"],
    [["--from", "2026-13-01"], "--from must be a date"],
    [["--to", "2026-01-31T08:00:00"], "--to must be a date"],
    [["--to", "2026-01-31T25:00:00Z"], "--to must be a date"],
    [["--from", "2026-02-01", "--to", "2026-01-31"], "--to must not be before --from."],
    [["--out", ""], "--out must be the name of a file."],
    [["--out", "folder/"], "--out must be the name of a file."],
  ])("refuses %j with one sentence and exit code 2", async (args, said) => {
    await using place = await workplace({});
    const { code, complaints, lines } = await place.run(args);
    expect([code, complaints.length, lines]).toEqual([2, 1, []]);
    expect(complaints[0]).toContain(said);
    expect(complaints[0]).not.toContain("\n");
  });

  it("prints how to use it", async () => {
    await using place = await workplace({});
    const { code, lines, complaints } = await place.run(["--help"]);
    expect([code, complaints]).toEqual([0, []]);
    expect(lines.join("\n")).toMatch(/^Usage: export-calls \[--from ISO\] \[--to ISO\] \[--out FILE\]\n/);
  });
});
