import { readFileSync } from "node:fs";
import { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";
import { describe, expect, it } from "vitest";
import { computeLoad, DEPLOYMENT, type Deployment } from "../src/capacity-model.js";
import { capacityPlot, capacityTable, summarize } from "../src/capacity-report.js";
import { createLedger } from "../src/ledger.js";
import { seededRandom } from "../src/random.js";
import { LIFETIME_MS, simulatedEndpoint } from "../src/simulated-endpoint.js";
import { simulatedProcess } from "../src/simulated-process.js";
import { simulatedStore } from "../src/simulated-store.js";
import { virtualTime } from "../src/virtual-time.js";

const docs = new URL("../../../docs/", import.meta.url);
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

/** A twenty-fifth of the tenants: the whole takes a quarter of a minute. */
const SCALE = 25;
const small: Deployment = { ...DEPLOYMENT, tenants: DEPLOYMENT.tenants / SCALE };

describe("docs/many-processes", () => {
  const summaries = summarize(small, SCALE);

  const numbersOf = (table: string): number[][] =>
    table
      .split("\n")
      .slice(2)
      .map((row) =>
        row
          .split("|")
          .slice(2, -1)
          .map((cell) => Number(cell.replaceAll(",", ""))),
      );

  it("has the table that the model gives", () => {
    const page = readFileSync(new URL("many-processes.md", docs), "utf8");
    const [committed = ""] = /\| processes with[\s\S]*?(?=\n\n)/.exec(page) ?? [];
    const table = capacityTable(summaries);
    expect(committed.split("\n")[0]).toBe(table.split("\n")[0]);
    const expected = numbersOf(table);
    expect(numbersOf(committed)).toHaveLength(4);
    for (const [row, numbers] of numbersOf(committed).entries()) {
      for (const [column, number] of numbers.entries()) {
        const ratio = (number + 1) / ((expected[row]?.[column] ?? 0) + 1);
        expect(Math.abs(ratio - 1), `row ${row}, column ${column}`).toBeLessThan(0.15);
      }
    }
  });

  it("has the plot that the model gives", () => {
    const committed = readFileSync(new URL("many-processes.svg", docs), "utf8");
    const plot = capacityPlot(summaries);
    const labels = (svg: string): string[] =>
      [...svg.matchAll(/>([^<>]+)<\/text>/g)].map(([, text = ""]) => text);
    expect(labels(committed)).toEqual(labels(plot));
    // The highest point of each line, in pixels.
    const peaks = (svg: string): number[] =>
      [...svg.matchAll(/points="([^"]+)"/g)].map(([, points = ""]) =>
        Math.min(...points.split(" ").map((point) => Number(point.split(",")[1]))),
      );
    expect(peaks(committed)).toHaveLength(10);
    for (const [index, peak] of peaks(committed).entries()) {
      expect(Math.abs(peak - (peaks(plot)[index] ?? 0))).toBeLessThan(15);
    }
  });
});

it("computes the load that core's sources cause", async () => {
  const deployment: Deployment = {
    tenants: 30,
    processesPerTenant: 4,
    callEveryMs: 1_000,
    lifetimeMs: LIFETIME_MS,
    requestMs: 45,
    horizonMs: 5 * LIFETIME_MS,
    seed: 1,
  };
  const { requests, operations } = await measureSources(deployment);
  const load = computeLoad(deployment, { name: "", hasJitter: true, isShared: true });
  expect(requests / sum(load.requests)).toBeGreaterThan(0.9);
  expect(requests / sum(load.requests)).toBeLessThan(1.1);
  expect(operations / sum(load.operations)).toBeGreaterThan(0.9);
  expect(operations / sum(load.operations)).toBeLessThan(1.1);
});

/** Counts what real sources do on virtual time, once each has its first token. */
async function measureSources(deployment: Deployment): Promise<{ requests: number; operations: number }> {
  const { tenants, processesPerTenant, callEveryMs, horizonMs } = deployment;
  const time = virtualTime();
  const random = seededRandom(2);
  const faults = { store: 0, network: 0, kill: 0, stop: 0 };
  let operations = 0;
  const isWarm = (): boolean => time.now > LIFETIME_MS / 2;
  const trace = (): void => {
    if (isWarm()) operations += 1;
  };
  const store = simulatedStore(time, random, faults, { onWrite() {}, onFault() {}, onLoss() {}, trace });
  const endpoint = simulatedEndpoint(time, random, faults, createLedger(time), () => {});
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    for (let number = 0; number < processesPerTenant; number += 1) {
      const process = simulatedProcess(time, number, () => {});
      const client = talkdeskClient({
        account: "acme",
        authentication: clientSecretBasic({ clientId: "client", clientSecret: "a secret" }),
        fetch: endpoint.connect(process),
        clock: process.clock,
        random: () => random.next(),
      });
      const source = clientCredentials(client, { store: store.connect(process), key: `tenant-${tenant}` });
      const call = (): void => {
        source.getToken().catch(() => {});
        time.plan(-callEveryMs * Math.log(1 - random.next()), call);
      };
      call();
    }
  }
  await time.runUntil(horizonMs);
  const requests = endpoint.programTokensAt.filter((at) => at > LIFETIME_MS / 2).length;
  return { requests, operations };
}
