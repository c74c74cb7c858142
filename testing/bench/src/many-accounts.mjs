// One process of performance.mjs: a pool of so many accounts. `node --expose-gc src/many-accounts.mjs 1000`
import { clientCredentials, clientSecretBasic, sourcePool, talkdeskClient } from "@talkdesk-oauth/core";
import { fetchWithoutNetwork } from "./warm-source.mjs";

const accounts = Number(process.argv[2]);
const fetch = fetchWithoutNetwork("bench");
const open = (account) =>
  clientCredentials(
    talkdeskClient({
      account,
      authentication: clientSecretBasic({ clientId: account, clientSecret: "bench-secret" }),
      fetch,
    }),
  );
const pool = sourcePool(open, { maxIdle: accounts + 1 });
const names = Array.from({ length: accounts }, (_, index) => `account-${index}`);

// Makes all that a process makes once, so that it is not counted for an account.
for (let i = 0; i < 1_000; i++) await getToken("another-account");
globalThis.gc();
const before = process.memoryUsage().heapUsed;
const first = await usOfEach(1);
globalThis.gc();
const bytes = (process.memoryUsage().heapUsed - before) / accounts;
const again = await usOfEach(Math.ceil(100_000 / accounts));
console.log(JSON.stringify({ accounts, firstUs: first, againUs: again, bytes }));

/** Asks the token of each account, a hundred at once, and resolves to the microseconds of one. */
async function usOfEach(rounds) {
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round++) {
    for (let from = 0; from < accounts; from += 100) {
      await Promise.all(names.slice(from, from + 100).map(getToken));
    }
  }
  return ((performance.now() - startedAt) * 1000) / (rounds * accounts);
}

async function getToken(name) {
  return (await pool.get(name)).getToken();
}
