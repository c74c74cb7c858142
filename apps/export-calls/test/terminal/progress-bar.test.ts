import { describe, expect, it } from "vitest";
import { streamOutput } from "../../src/terminal/output.js";
import { type ProgressBar, progressBar } from "../../src/terminal/progress-bar.js";

function shown(stream: { isTTY?: boolean; columns?: number } = {}): {
  readonly bar: ProgressBar;
  readonly written: string[];
  readonly output: ReturnType<typeof streamOutput>;
  pass(ms: number): void;
} {
  const written: string[] = [];
  let now = 0;
  const output = streamOutput({ ...stream, write: (text) => written.push(text) });
  const bar = progressBar(output, { now: () => now, sleep: async () => undefined });
  return {
    bar,
    written,
    output,
    pass(ms) {
      now += ms;
    },
  };
}

describe("on a terminal", () => {
  it("redraws one row, at most ten times a second, and when it is complete", () => {
    const { bar, written, pass } = shown({ isTTY: true, columns: 100 });
    bar.show(0, 8_000_000);
    pass(50);
    bar.show(1_000_000, 8_000_000);
    pass(950);
    bar.show(4_000_000, 8_000_000);
    bar.show(8_000_000, 8_000_000);
    expect(written).toEqual([
      "\r[░░░░░░░░░░░░░░░░░░░░░░░░]   0 %  0.0 kB of 8.0 MB  0.0 kB/s\x1b[K",
      "\r[████████████░░░░░░░░░░░░]  50 %  4.0 MB of 8.0 MB  4.0 MB/s\x1b[K",
      "\r[████████████████████████] 100 %  8.0 MB of 8.0 MB  8.0 MB/s\x1b[K",
    ]);
  });

  it("shows the speed of this connection only", () => {
    const { bar, written, pass } = shown({ isTTY: true, columns: 100 });
    bar.show(6_000_000, 8_000_000);
    pass(1_000);
    bar.show(7_000_000, 8_000_000);
    expect(written[1]).toContain("87 %  7.0 MB of 8.0 MB  1.0 MB/s");
  });

  it("is never wider than the terminal, and lines begin below it", () => {
    const { bar, written, output } = shown({ isTTY: true, columns: 20 });
    bar.show(1, undefined);
    bar.show(5, 10);
    output.redraw?.("x".repeat(50));
    output.line("done");
    output.end();
    expect(written.slice(-3)).toEqual([`\r${"x".repeat(19)}\x1b[K`, "\n", "done\n"]);
  });
});

describe("elsewhere", () => {
  it("writes a plain line for each quarter, and every ten seconds", () => {
    const { bar, written } = shown();
    for (let bytes = 0; bytes <= 1_000; bytes += 10) bar.show(bytes, 1_000);
    expect(written).toEqual([
      "   25 %  0.3 kB of 1.0 kB\n",
      "   50 %  0.5 kB of 1.0 kB\n",
      "   75 %  0.8 kB of 1.0 kB\n",
      "  100 %  1.0 kB of 1.0 kB\n",
    ]);
    const slow = shown();
    slow.bar.show(0, undefined);
    slow.pass(9_000);
    slow.bar.show(5_000, undefined);
    slow.pass(1_000);
    slow.bar.show(6_000, undefined);
    expect(slow.written).toEqual(["  6.0 kB\n"]);
  });
});
