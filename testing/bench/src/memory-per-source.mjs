import { sourceWithoutNetwork } from "./warm-source.mjs";

const SOURCES = 100_000;

/** Measures the memory of 100,000 sources, each with its own client and a token. */
export async function memoryPerSource() {
  globalThis.gc();
  const before = process.memoryUsage().heapUsed;
  const sources = [];
  for (let i = 0; i < SOURCES; i += 1_000) {
    const batch = Array.from({ length: 1_000 }, (_, n) => sourceWithoutNetwork(`client-${i + n}`));
    await Promise.all(batch.map((source) => source.getToken()));
    sources.push(...batch);
  }
  await new Promise((resolve) => setTimeout(resolve, 100));
  globalThis.gc();
  const bytes = (process.memoryUsage().heapUsed - before) / sources.length;
  return [
    `Memory: ${SOURCES.toLocaleString("en")} sources, each with its client and a token`,
    `  ${bytes.toFixed(0)} bytes each`,
  ];
}
