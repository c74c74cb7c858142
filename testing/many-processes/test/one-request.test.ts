import { isBuiltin } from "node:module";
import { join } from "node:path";
import {
  type Clock,
  clientSecretBasic,
  requestToken,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { type Emulator, startEmulator } from "@talkdesk-oauth/emulator";
import { findRedisServer, type RedisServer, startRedisServer } from "@talkdesk-oauth/fixtures/redis-server";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { ColdReport, ColdSettings } from "../src/cold-worker.js";
import { openStore, type StorePlace } from "../src/open-store.js";
import { makeRunFolder, type RunFolder } from "../src/run-folder.js";
import { startWorker, type WorkerProcess } from "../src/worker-process.js";

const PROCESSES = 8;
const CALLERS = 1_000;
/** For a machine that has other work to do. */
const TIMEOUT_MS = 60_000;
const REDIRECT_URI = "https://app.example/callback";

/** Behind by the lifetime of a token, so that what is issued has expired for everybody else. */
const CLOCK_BEHIND: Clock = {
  now: () => Date.now() - 600_000,
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
};

let talkdesk: Emulator;
let folder: RunFolder;
beforeAll(async () => {
  talkdesk = await startEmulator();
  folder = makeRunFolder();
});
afterAll(async () => {
  await talkdesk?.stop();
  folder?.[Symbol.dispose]();
});
beforeEach(() => talkdesk.requests.clear());

/** Starts all processes, lets all their callers ask at once, and kills the processes. */
async function callFromAll(settings: Omit<ColdSettings, "callers" | "timeoutMs" | "endpoints">) {
  const workers: WorkerProcess[] = Array.from({ length: PROCESSES }, () =>
    startWorker("cold-worker", {
      ...settings,
      callers: CALLERS,
      timeoutMs: TIMEOUT_MS,
      endpoints: talkdesk.endpoints(),
    } satisfies ColdSettings),
  );
  try {
    await Promise.all(workers.map((worker) => worker.nextMessage()));
    const answers = workers.map((worker) => worker.nextMessage());
    for (const worker of workers) worker.send("call");
    const reports = (await Promise.all(answers)) as ColdReport[];
    return {
      answered: reports.reduce((sum, report) => sum + report.answered, 0),
      errors: [...new Set(reports.flatMap((report) => report.errors))],
      tokens: new Set(reports.flatMap((report) => report.tokens)).size,
      requests: talkdesk.requests.to("token").length,
    };
  } finally {
    for (const worker of workers) worker.signal("SIGKILL");
    await Promise.all(workers.map((worker) => worker.ended));
  }
}

const ONE_TOKEN_FOR_ALL = { answered: PROCESSES * CALLERS, errors: [], tokens: 1 };

interface TestedStore {
  readonly name: string;
  readonly isHere: boolean;
  /** Another driver of the same store is tested with less, since processes take their time to start. */
  readonly isFirst: boolean;
  /** A place that is empty. */
  readonly place: (name: string) => StorePlace;
}

const sqlite = (["libsql", "node:sqlite"] as const).map(
  (driver): TestedStore => ({
    name: `a SQLite file, with ${driver}`,
    isHere: driver === "libsql" || isBuiltin(driver),
    isFirst: driver === "libsql",
    place: (name) => ({ kind: "sqlite", driver, file: join(folder.path, `${driver.slice(0, 4)}-${name}`) }),
  }),
);

let redis: RedisServer | undefined;
const isRedisHere = findRedisServer() !== undefined;
beforeAll(async () => {
  if (isRedisHere) redis = await startRedisServer();
});
afterAll(() => redis?.stop());
beforeEach(() => redis?.command("FLUSHALL"));

const stores: readonly TestedStore[] = [
  ...sqlite,
  ...(["redis", "ioredis"] as const).map(
    (client): TestedStore => ({
      name: `a Redis server, with ${client}`,
      isHere: isRedisHere,
      isFirst: client === "redis",
      place: () => ({ kind: "redis", client, url: redis?.url ?? "" }),
    }),
  ),
];

describe.each(stores)("8 processes of 1,000 callers on $name", ({ isHere, isFirst, place }) => {
  it
    .skipIf(!isHere)
    .each(isFirst ? (["client_credentials", "service_token"] as const) : (["client_credentials"] as const))(
    "make one token request for %s, and none after a restart of all of them",
    async (source) => {
      const settings = {
        source,
        key: source,
        store: place(`${source}.db`),
        ...talkdesk.clients.get(),
      };
      expect(await callFromAll(settings)).toEqual({ ...ONE_TOKEN_FOR_ALL, requests: 1 });
      talkdesk.requests.clear();
      expect(await callFromAll(settings)).toEqual({ ...ONE_TOKEN_FOR_ALL, requests: 0 });
    },
  );

  it.skipIf(!isHere || !isFirst)(
    "refresh the token of one user's session once when it has expired",
    async () => {
      const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
      const store = place("session.db");
      const scope = "openid refresh_token users:read";
      const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI, scope });
      const client = talkdeskClient({
        endpoints: talkdesk.endpoints(),
        authentication: clientSecretBasic({ clientId, clientSecret }),
        clock: CLOCK_BEHIND,
      });
      const login = { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI } as const;
      const { store: opened, close } = await openStore(store);
      const session = userSession(client, { store: opened, key: "a user" });
      await session.start(await requestToken(client, login));
      await session.close();
      await close();
      talkdesk.requests.clear();
      const settings = { source: "user_session", key: "a user", store, clientId, clientSecret } as const;
      expect(await callFromAll(settings)).toEqual({ ...ONE_TOKEN_FOR_ALL, requests: 1 });
      expect(talkdesk.requests.to("token")[0]?.form.get("grant_type")).toBe("refresh_token");
    },
  );
});
