import { drawMarkdownTable } from "../../../scripts/markdown-table.mjs";
import { computeLoad, type Deployment, type Load, VARIANTS, type Variant } from "./capacity-model.js";

/** The load of a variant, for the table and the plot. */
export interface Summary {
  readonly name: string;
  readonly requests: Measure;
  readonly operations: Measure;
}

interface Measure {
  /** In the busiest second. */
  readonly peak: number;
  readonly total: number;
  /** The busiest second of every {@link BIN_S}, for the plot. */
  readonly line: readonly number[];
}

const BIN_S = 4;

/** Computes all variants, with the numbers of a smaller deployment scaled up to those of `DEPLOYMENT`. */
export function summarize(deployment: Deployment, scale: number): Summary[] {
  return VARIANTS.map((variant: Variant) => {
    const { requests, operations }: Load = computeLoad(deployment, variant);
    return { name: variant.name, requests: measure(requests, scale), operations: measure(operations, scale) };
  });
}

function measure(perSecond: Float64Array, scale: number): Measure {
  const line: number[] = [];
  let [peak, total] = [0, 0];
  for (const [second, value] of perSecond.entries()) {
    const bin = Math.floor(second / BIN_S);
    line[bin] = Math.max(line[bin] ?? 0, value * scale);
    peak = Math.max(peak, value * scale);
    total += value * scale;
  }
  return { peak, total, line };
}

/** To two digits, as a model of a load deserves. */
function rounded(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString("en-US");
}

/** The table of `docs/many-processes.md`. */
export function capacityTable(summaries: readonly Summary[]): string {
  const rows = [
    [
      "processes with",
      "token requests, peak per second",
      "in 31 minutes",
      "store operations, peak per second",
      "in 31 minutes",
    ],
    ...summaries.map(({ name, requests, operations }) => [
      name,
      ...[requests.peak, requests.total, operations.peak, operations.total].map(rounded),
    ]),
  ];
  return drawMarkdownTable(rows, { areNumbers: true });
}

const PLOT = { width: 860, left: 84, right: 24, top: 64, panel: 190, gap: 76 };
const X_MAX_S = 1_860;

/** The plot of `docs/many-processes.svg`: it follows the reader's light or dark theme. */
export function capacityPlot(summaries: readonly Summary[]): string {
  const height = PLOT.top + 2 * PLOT.panel + PLOT.gap + 56;
  const shared = summaries.filter(({ operations }) => operations.total > 0);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${PLOT.width} ${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="13">
<title id="title">Load of 500 processes and 1,000,000 tenants whose tokens expire together</title>
<desc id="description">Token requests and operations of the store per second, over 31 minutes after all tokens were issued at once. Jitter lowers the peaks, and one store for all processes lowers the number of token requests.</desc>
<style>
  svg { --ground: #ffffff; --ink: #1f2328; --faint: #d1d9e0; --a: #b35900; --b: #0969da; --c: #8250df; --d: #1a7f37; }
  @media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --ink: #e6edf3; --faint: #3d444d; --a: #f0883e; --b: #58a6ff; --c: #bc8cff; --d: #3fb950; } }
  rect { fill: var(--ground); } text { fill: var(--ink); } .grid { stroke: var(--faint); } polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
  .s0 { stroke: var(--a); } .s1 { stroke: var(--b); } .s2 { stroke: var(--c); stroke-dasharray: 5 3; } .s3 { stroke: var(--d); }
</style>
<rect width="${PLOT.width}" height="${height}"/>
${legend(summaries)}
${panel(
  "Token requests per second",
  PLOT.top + 22,
  summaries.map(({ requests }, index) => ({ line: requests.line, index })),
)}
${panel(
  "Store operations per second",
  PLOT.top + PLOT.panel + PLOT.gap + 6,
  shared.map(({ operations, name }) => ({
    line: operations.line,
    index: summaries.findIndex((summary) => summary.name === name),
  })),
)}
<text x="${(PLOT.left + PLOT.width - PLOT.right) / 2}" y="${height - 12}" text-anchor="middle">Minutes since all tokens were issued</text>
</svg>
`;
}

function legend(summaries: readonly Summary[]): string {
  return summaries
    .map(({ name }, index) => {
      const x = PLOT.left + index * 190;
      return `<polyline class="s${index}" points="${x},24 ${x + 28},24"/><text x="${x + 36}" y="28">${name}</text>`;
    })
    .join("\n");
}

function panel(
  title: string,
  top: number,
  series: readonly { readonly line: readonly number[]; readonly index: number }[],
): string {
  const most = niceMost(Math.max(...series.flatMap(({ line }) => line)));
  const bottom = top + PLOT.panel;
  const xOf = (second: number): number =>
    PLOT.left + (second / X_MAX_S) * (PLOT.width - PLOT.left - PLOT.right);
  const yOf = (value: number): number => bottom - (value / most) * PLOT.panel;
  const parts = [`<text x="${PLOT.left}" y="${top - 12}" font-weight="600">${title}</text>`];
  for (let step = 0; step <= 4; step += 1) {
    const value = (most * step) / 4;
    const y = yOf(value).toFixed(1);
    parts.push(
      `<line class="grid" x1="${PLOT.left}" x2="${PLOT.width - PLOT.right}" y1="${y}" y2="${y}"/>`,
      `<text x="${PLOT.left - 8}" y="${(yOf(value) + 4).toFixed(1)}" text-anchor="end">${value.toLocaleString("en-US")}</text>`,
    );
  }
  for (let minute = 0; minute <= 30; minute += 5) {
    parts.push(
      `<text x="${xOf(60 * minute).toFixed(1)}" y="${bottom + 18}" text-anchor="middle">${minute}</text>`,
    );
  }
  for (const { line, index } of series) {
    const points = line.map((value, bin) => `${xOf(bin * BIN_S).toFixed(0)},${yOf(value).toFixed(0)}`);
    parts.push(`<polyline class="s${index}" points="${withoutRuns(points).join(" ")}"/>`);
  }
  return parts.join("\n");
}

/** Leaves out points in the middle of a level line. */
function withoutRuns(points: readonly string[]): string[] {
  const height = (point = ""): string | undefined => point.split(",")[1];
  return points.filter(
    (point, index) =>
      index === 0 ||
      index === points.length - 1 ||
      height(point) !== height(points[index - 1]) ||
      height(point) !== height(points[index + 1]),
  );
}

/** The top of an axis: the next of 1, 2, 4 and 8 times a power of ten. */
function niceMost(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 4, 8].find((times) => times * power >= value) ?? 10) * power;
}
