// `node --expose-gc src/memory-per-source.mjs 100000 1000` prints the bytes of each of 100,000 sources with a token of 1,000
// characters. Measured in a process of its own for each length, since a heap that was larger keeps some of its room.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { sourceWithoutNetwork } from "./warm-source.mjs";

const SOURCES = 100_000;
/** Lengths of tokens: an opaque one, and two of claims. */
export const TOKEN_LENGTHS = [100, 1_000, 2_000];

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script) {
  const [sources, tokenLength] = process.argv.slice(2).map(Number);
  console.log(JSON.stringify(await bytesOfEach(sources, tokenLength)));
}

/** Measures the memory of 100,000 idle sources, each with its own client and a token. */
export async function memoryPerSource() {
  const lines = [`Memory: ${SOURCES.toLocaleString("en")} idle sources, each with its client and a token`];
  for (const tokenLength of TOKEN_LENGTHS) {
    const bytes = await measureSources(tokenLength);
    lines.push(`  a token of ${String(tokenLength).padStart(5)} characters   ${bytes.toFixed(0)} bytes each`);
  }
  return lines;
}

/** Resolves to the bytes of each source with a token of this length. */
export async function measureSources(tokenLength, sources = SOURCES) {
  const args = ["--expose-gc", script, String(sources), String(tokenLength)];
  return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
}

async function bytesOfEach(count, tokenLength) {
  const sources = [];
  // Compiles all that is used, so that its code is not counted.
  await open(0, 1_000, tokenLength);
  const before = bytesInUse();
  for (let i = 0; i < count; i += 1_000) sources.push(...(await open(i, 1_000, tokenLength)));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return (bytesInUse() - before) / sources.length;
}

async function open(from, count, tokenLength) {
  const sources = Array.from({ length: count }, (_, n) =>
    sourceWithoutNetwork(`client-${from + n}`, tokenLength),
  );
  await Promise.all(sources.map((source) => source.getToken()));
  return sources;
}

function bytesInUse() {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
