import { fileURLToPath } from "node:url";
import { privateKeyJwt, talkdeskClient } from "@talkdesk-oauth/core";
import { build } from "esbuild";
import { exportJWK, exportPKCS8, generateKeyPair, jwtVerify, SignJWT } from "jose";
import { median } from "./median.mjs";
import { inTurns } from "./turns.mjs";

const CONCURRENCY = [1, 64];
const ROUNDS = 15;
/** Calls of one round. */
const CALLS = 192;
/** Long enough for V8 to compile the hot code. */
const WARM_UP_CALLS = 4_000;

const CLIENT_ID = "bench";
const ISSUER = "https://bench.talkdeskid.com";
const TOKEN_ENDPOINT = `${ISSUER}/oauth/token`;

/** Compares what core does with jose: an assertion to sign, and an ID token to verify, with jose's own call for each. */
export async function signatures() {
  const lines = [
    `Signatures, in processor time beside jose's own call (median and spread of ${ROUNDS} rounds in turns)`,
  ];
  for (const { title, seen } of await measureSignatures(ROUNDS)) {
    for (const name of ["again", "ours"]) {
      const ratios = seen[name].map((us, round) => us / seen.jose[round]);
      const [least, most] = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2));
      lines.push(
        `  ${title.padEnd(42)} ${name.padEnd(5)} ${median(seen[name]).toFixed(0).padStart(4)} µs   ratio ${median(ratios).toFixed(2)} (${least} to ${most})`,
      );
    }
  }
  return lines;
}

/** Resolves to the microseconds of one call of jose, of jose again, and of core, for each task and round. */
export async function measureSignatures(rounds) {
  const tasks = [await signing(), await verifying("ES256"), await verifying("RS256")];
  const measured = [];
  for (const { title, jose, ours } of tasks) {
    for (const call of [jose, ours]) for (let i = 0; i < WARM_UP_CALLS; i++) await call();
    for (const concurrency of CONCURRENCY) {
      const measure = (call) => () => cpuUsOf(call, concurrency);
      const seen = await inTurns({ jose: measure(jose), again: measure(jose), ours: measure(ours) }, rounds);
      measured.push({ title: `${title}, ${concurrency} at once`, seen });
    }
  }
  return measured;
}

async function cpuUsOf(call, concurrency) {
  const cpu = process.cpuUsage();
  let started = 0;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (started++ < CALLS) await call();
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / CALLS;
}

async function signing() {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const authenticate = privateKeyJwt({
    clientId: CLIENT_ID,
    keyId: "1",
    privateKey: await exportPKCS8(privateKey),
  });
  const endpoints = { token: TOKEN_ENDPOINT };
  return {
    title: "Sign an assertion with ES256",
    jose() {
      const iat = Math.floor(Date.now() / 1000);
      return new SignJWT({
        iss: CLIENT_ID,
        sub: CLIENT_ID,
        aud: TOKEN_ENDPOINT,
        jti: crypto.randomUUID(),
        iat,
        exp: iat + 300,
      })
        .setProtectedHeader({ alg: "ES256", kid: "1" })
        .sign(privateKey);
    },
    ours: () => authenticate({ endpoints, body: new URLSearchParams(), now: Date.now() }),
  };
}

async function verifying(alg) {
  const { privateKey, publicKey } = await generateKeyPair(alg);
  const keys = [{ ...(await exportJWK(publicKey)), kid: "1", use: "sig", alg }];
  const iat = Math.floor(Date.now() / 1000);
  const claims = {
    iss: ISSUER,
    sub: "5c9f0e2b8d7a4f6c9e1b3d5f",
    aud: CLIENT_ID,
    nonce: "a-nonce",
    iat,
    exp: iat + 86_400,
    name: "Ada Lovelace",
    email: "ada@example.com",
  };
  const idToken = await new SignJWT(claims).setProtectedHeader({ alg, kid: "1" }).sign(privateKey);
  const client = talkdeskClient({
    account: "bench",
    authentication: Object.assign(() => {}, { clientId: CLIENT_ID }),
    fetch: async () => Response.json({ keys }),
  });
  const verifyIdToken = await loadVerification();
  return {
    title: `Verify an ID token with ${alg}`,
    jose: () => jwtVerify(idToken, publicKey, { algorithms: [alg], issuer: ISSUER, audience: CLIENT_ID }),
    ours: () =>
      verifyIdToken(client, idToken, {
        clientId: CLIENT_ID,
        nonce: "a-nonce",
        issuers: [ISSUER],
        signal: undefined,
      }),
  };
}

/** Builds the verification by itself: through the exports of core, a request for a token comes before it. */
async function loadVerification() {
  const [source, outfile] = [
    "../../../packages/core/src/authorization/id-token.ts",
    "../node_modules/.bench/id-token.mjs",
  ].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  await build({
    entryPoints: [source],
    outfile,
    bundle: true,
    packages: "external",
    format: "esm",
    target: "es2023",
  });
  return (await import(outfile)).verifyIdToken;
}
