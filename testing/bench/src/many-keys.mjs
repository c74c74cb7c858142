// `node --expose-gc src/many-keys.mjs 1000000` asks a pool for the tokens of a million keys, one after another, and prints the
// memory at each power of ten. The tokens are in a store, which is a stub, so that the memory is the pool's own.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { clientCredentials, clientSecretBasic, sourcePool, talkdeskClient } from "@talkdesk-oauth/core";
import { fetchWithoutNetwork } from "./warm-source.mjs";

const KEYS = 1_000_000;
/** The first of the numbers of keys at which memory is measured: more than the pool keeps open. */
const FIRST = 10_000;

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script) console.log(JSON.stringify(await memoryOf(Number(process.argv[2]))));

/** Measures the memory of a pool through which a million keys pass. */
export async function manyKeys() {
  const lines = [`Memory of a pool, by the number of keys whose tokens were asked for; 1,000 stay open`];
  for (const { keys, heapMb, us } of await measureKeys()) {
    lines.push(
      `  ${keys.toLocaleString("en").padStart(9)} keys   ${heapMb.toFixed(1)} MB of the heap   ${us.toFixed(0)} µs for one key`,
    );
  }
  return lines;
}

/** Resolves to the memory of the process, and the time for one key, at each power of ten. */
export async function measureKeys(keys = KEYS) {
  return JSON.parse(
    (await promisify(execFile)(process.execPath, ["--expose-gc", script, String(keys)])).stdout,
  );
}

async function memoryOf(keys) {
  const client = talkdeskClient({
    account: "bench",
    authentication: clientSecretBasic({ clientId: "bench", clientSecret: "bench-secret" }),
    fetch: fetchWithoutNetwork("bench"),
  });
  /** The record of one key, which serves all: what a store keeps is not the pool's. */
  let record;
  const store = {
    read: async () => record,
    async write(_key, value) {
      record = { value, version: 1 };
      return 1;
    },
    async delete() {},
    lock: async () => ({ fence: 1, async release() {} }),
  };
  const pool = sourcePool((key) => clientCredentials(client, { store, key }));
  const seen = [];
  let startedAt = performance.now();
  let from = 0;
  for (let next = FIRST; next <= keys; next *= 10) {
    for (let key = from; key < next; key++) await (await pool.get(`account-${key}`)).getToken();
    const us = ((performance.now() - startedAt) * 1000) / (next - from);
    globalThis.gc();
    globalThis.gc();
    seen.push({ keys: next, heapMb: process.memoryUsage().heapUsed / 1e6, us });
    from = next;
    startedAt = performance.now();
  }
  return seen;
}
