const SIZE = { width: 860, height: 330, left: 84, right: 24, top: 66, bottom: 62 };

/**
 * Draws lines over a logarithmic x axis as SVG. It follows the reader's light or dark theme. With `isLogarithmic`, the y
 * axis is so too, and what grows in proportion is a straight line.
 *
 * @param series Up to six lines by name, each a list of `[x, y]`.
 */
export function plotLines({ title, description, xLabel, yLabel, series, isLogarithmic = false }) {
  const { width, height, left, right, top, bottom } = SIZE;
  const points = Object.values(series).flat();
  const [xLeast, xMost] = [Math.min, Math.max].map((pick) => Math.log10(pick(...points.map(([x]) => x))));
  const axis = isLogarithmic ? logarithmicAxis(points) : linearAxis(points);
  const xOf = (x) => left + ((Math.log10(x) - xLeast) / (xMost - xLeast || 1)) * (width - left - right);
  const yOf = (value) => height - bottom - axis.partOf(value) * (height - top - bottom);
  const at = (value) => value.toFixed(1);
  const parts = [];
  for (const value of axis.steps) {
    parts.push(
      `<line class="grid" x1="${left}" x2="${width - right}" y1="${at(yOf(value))}" y2="${at(yOf(value))}"/>`,
      `<text x="${left - 8}" y="${at(yOf(value) + 4)}" text-anchor="end">${value.toLocaleString("en-US")}</text>`,
    );
  }
  for (const x of new Set(points.map(([x]) => x))) {
    const label = x.toLocaleString("en-US", { notation: x < 10_000 ? "standard" : "compact" });
    parts.push(`<text x="${at(xOf(x))}" y="${height - bottom + 20}" text-anchor="middle">${label}</text>`);
  }
  for (const [index, [name, line]] of Object.entries(series).entries()) {
    const x = left + (index % 3) * 250;
    const y = 34 + Math.floor(index / 3) * 18;
    parts.push(
      `<polyline class="s${index}" points="${x},${y} ${x + 28},${y}"/><text x="${x + 36}" y="${y + 4}">${name}</text>`,
      `<polyline class="s${index}" points="${line.map(([a, b]) => `${at(xOf(a))},${at(yOf(b))}`).join(" ")}"/>`,
    );
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="13">
<title id="title">${title}</title>
<desc id="description">${description}</desc>
${STYLE}
<rect width="${width}" height="${height}"/>
<text x="${left}" y="16" font-weight="600">${yLabel}</text>
${parts.join("\n")}
<text x="${(left + width - right) / 2}" y="${height - 12}" text-anchor="middle">${xLabel}</text>
</svg>
`;
}

/** Draws one bar for each name as SVG, from the first to the last. */
export function plotBars({ title, description, unit, bars }) {
  const [left, right, row] = [250, 90, 26];
  const { width } = SIZE;
  const height = bars.length * row + 24;
  const most = Math.max(...bars.map(({ value }) => value));
  const parts = bars.map(({ name, value, isOurs }, index) => {
    const y = 12 + index * row;
    const length = Math.max(1, (Math.max(0, value) / most) * (width - left - right));
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${name}</text><path class="${isOurs ? "ours" : "other"}" d="M${left} ${y + 2}h${length.toFixed(1)}v16h-${length.toFixed(1)}z"/><text x="${(left + length + 8).toFixed(1)}" y="${y + 15}">${value} ${unit}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description" font-family="system-ui, sans-serif" font-size="13">
<title id="title">${title}</title>
<desc id="description">${description}</desc>
${STYLE}
<rect width="${width}" height="${height}"/>
${parts.join("\n")}
</svg>
`;
}

const STYLE = `<style>
  svg { --ground: #ffffff; --ink: #1f2328; --faint: #d1d9e0; --a: #b35900; --b: #0969da; --c: #8250df; --d: #1a7f37; --e: #cf222e; --f: #57606a; }
  @media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --ink: #e6edf3; --faint: #3d444d; --a: #f0883e; --b: #58a6ff; --c: #bc8cff; --d: #3fb950; --e: #ff7b72; --f: #9198a1; } }
  rect { fill: var(--ground); } text { fill: var(--ink); } .grid { stroke: var(--faint); } polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; }
  .s0 { stroke: var(--a); } .s1 { stroke: var(--b); } .s2 { stroke: var(--c); } .s3 { stroke: var(--d); } .s4 { stroke: var(--e); } .s5 { stroke: var(--f); }
  .ours { fill: var(--b); } .other { fill: var(--f); }
</style>`;

function linearAxis(points) {
  const most = roundUp(Math.max(...points.map(([, value]) => value)));
  return { steps: [0, 1, 2, 3, 4].map((step) => (most * step) / 4), partOf: (value) => value / most };
}

function logarithmicAxis(points) {
  const powers = points.map(([, value]) => Math.log10(value));
  const [least, most] = [Math.floor(Math.min(...powers)), Math.ceil(Math.max(...powers))];
  const steps = Array.from({ length: most - least + 1 }, (_, step) => 10 ** (least + step));
  return { steps, partOf: (value) => (Math.log10(value) - least) / (most - least) };
}

/** The next of 1, 2, 4, 5 and 10 times a power of ten. */
function roundUp(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((step) => step * power).find((most) => most >= value);
}
