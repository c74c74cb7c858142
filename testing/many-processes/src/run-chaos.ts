import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import {
  clientSecretBasic,
  deserializeToken,
  isTalkdeskError,
  requestToken,
  serializeToken,
  talkdeskClient,
  userSession,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { type Fleet, startFleet } from "./chaos-fleet.js";
import { readChaosLog } from "./chaos-log.js";
import { type Mishap, makeSchedule } from "./chaos-schedule.js";
import { startChaosStore } from "./chaos-store.js";
import { drawLedger, type Evidence, type FinalState, JUDGE, type Ledger, type Login } from "./ledger.js";
import { openStore, type StorePlace } from "./open-store.js";
import { makeRunFolder } from "./run-folder.js";
import { seededRandom } from "./seeded-random.js";
import {
  PROCESS_HEADER,
  startTokenWire,
  type TokenWire,
  type WireFault,
  type WirePoint,
} from "./token-wire.js";

export interface ChaosOptions {
  readonly seed: number;
  /** How long new mishaps begin. The last of them end later. */
  readonly seconds: number;
  readonly store: StorePlace["kind"];
  readonly sessions?: number;
  /**
   * The deadline of a caller, and so of a token request, in milliseconds. All sessions may have to be refreshed at once,
   * after the store could not be used; the emulator has to answer that many within it.
   */
  readonly timeoutMs?: number;
  /** Where to write all that was recorded, as JSON, when there are violations. */
  readonly evidenceFile?: string | undefined;
}

/** What happened in a run. */
export interface ChaosResult extends Ledger {
  readonly seed: number;
  readonly kills: number;
  readonly stops: number;
  /** How often the store was blocked, restarted or made to forget its scripts. */
  readonly storeFaults: number;
  readonly lostAnswers: number;
  readonly lateAnswers: number;
  /** Requests that were cut before they reached the token endpoint. */
  readonly cutRequests: number;
  /** Requests that were answered with 503, since the machine was busy. */
  readonly refusedRequests: number;
  readonly logouts: number;
  readonly logins: number;
}

const PROCESSES = 8;
/** What all processes refresh together while nothing goes wrong: tokens live as long as that takes. */
const REFRESHES_PER_SECOND = 6;
/** Lifetimes of tokens differ by this much, so that not all end at once. */
const LIFETIME_SPREAD = [0.5, 1.5] as const;
/** The run itself waits longer than the lease of a process that was killed, and than any machine takes, in milliseconds. */
const PATIENCE_MS = 120_000;
/** The longest that mishaps wait for a refresh after the last of them, in milliseconds. */
const LAST_REFRESH_MS = 10_000;
/** When the token endpoint takes longer, in milliseconds, tokens live longer: the machine has other work to do. */
const FAST_ANSWER_MS = 200;
/** How long a user takes to log in again, in milliseconds. */
const RETURN_MS = [50, 3_000] as const;
const REDIRECT_URI = "https://app.example/callback";
const SCOPE = "openid refresh_token users:read";

/**
 * Lets eight processes serve the sessions of many users over one store, with a token endpoint that rotates refresh tokens
 * and detects reuse, while a seeded schedule of mishaps befalls them. Accounts for every refresh token afterwards.
 */
export async function runChaos({
  seed,
  seconds,
  store,
  sessions = 100,
  timeoutMs = 6_000,
  evidenceFile,
}: ChaosOptions): Promise<ChaosResult> {
  using folder = makeRunFolder();
  const random = seededRandom(seed);
  const schedule = makeSchedule(random, { seconds, timeoutMs, store });
  await using talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
  await using chaosStore = await startChaosStore(store, folder.path);

  /** Faults and incidents that wait for the next refresh. */
  const faults: WireFault[] = [];
  const ambushes: { readonly point: WirePoint; readonly fall: (process: string) => void }[] = [];
  await using wire: TokenWire = await startTokenWire(talkdesk.endpoints().token, {
    faultFor: () => faults.shift(),
    lifetimeSeconds() {
      const slowness = Math.max(1, wire.latencyMs() / FAST_ANSWER_MS);
      return Math.ceil((sessions / REFRESHES_PER_SECOND) * random.between(...LIFETIME_SPREAD) * slowness);
    },
    onPoint(point, { process }) {
      const index = ambushes.findIndex((ambush) => ambush.point === point);
      const [ambush] = index < 0 ? [] : ambushes.splice(index, 1);
      ambush?.fall(process);
    },
  });
  const { api, identity } = talkdesk.endpoints();
  const endpoints = { token: wire.tokenUrl, api, identity };
  const clientNamed = (name: string, patienceMs: number) =>
    talkdeskClient({
      endpoints,
      authentication: clientSecretBasic({ clientId, clientSecret }),
      timeoutMs: patienceMs,
      fetch(url, init) {
        const headers = new Headers(init.headers);
        headers.set(PROCESS_HEADER, name);
        return fetch(url, { ...init, headers } as RequestInit);
      },
    });
  const conductor = clientNamed("conductor", PATIENCE_MS);

  const keys = Array.from({ length: sessions }, (_, index) => `session ${index}`);
  const logins: Login[] = [];
  /** Since when each session is as it should be; absent while its user logs in or out. */
  const aliveSince = new Map<string, number>();
  const tasks = new Set<Promise<void>>();
  let logouts = 0;
  let mayLogIn = true;

  function begin(task: Promise<void>): void {
    const tracked = task.finally(() => tasks.delete(tracked));
    tasks.add(tracked);
  }

  async function logIn(key: string): Promise<void> {
    for (;;) {
      const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI, scope: SCOPE });
      const token = await requestToken(conductor, {
        grant_type: "authorization_code",
        code,
        redirect_uri: REDIRECT_URI,
      });
      const login: Login = { key, refreshToken: token.refreshToken ?? "", at: Date.now() };
      logins.push(login);
      const order = { order: "start", key, token: serializeToken(token) } as const;
      const isDone = await fleet.give(order, (process) => {
        login.process = process;
      });
      if (!isDone) continue;
      aliveSince.set(key, Date.now());
      return;
    }
  }

  async function logOut(key: string, returnAfterMs: number): Promise<void> {
    aliveSince.delete(key);
    const login = logins.findLast((one) => one.key === key);
    if (login !== undefined) login.endedAt = Date.now();
    logouts += 1;
    while (!(await fleet.give({ order: "end", key })));
    await sleep(returnAfterMs);
    await logIn(key);
  }

  using fleet: Fleet = startFleet(
    PROCESSES,
    folder.path,
    { store: chaosStore.place, endpoints, clientId, clientSecret, timeoutMs, keys },
    random,
    (key, startedAt) => {
      const since = aliveSince.get(key);
      // A caller that asked before the last login was told of the one before.
      if (!mayLogIn || since === undefined || startedAt <= since) return;
      aliveSince.delete(key);
      begin(sleep(random.between(...RETURN_MS)).then(() => logIn(key)));
    },
  );

  let storeFaults = 0;
  let isStoreFaulty = false;
  function harmStore(work: () => Promise<void>): void {
    if (isStoreFaulty) return;
    isStoreFaulty = true;
    storeFaults += 1;
    begin(
      work().finally(() => {
        isStoreFaulty = false;
      }),
    );
  }

  function befall(point: WirePoint | "any", fall: (process: string | undefined) => void): void {
    if (point === "any") fall(undefined);
    else ambushes.push({ point, fall });
  }

  function cause(mishap: Mishap): void {
    switch (mishap.kind) {
      case "kill":
        befall(mishap.point, (process) => fleet.kill(process, mishap.restartAfterMs));
        break;
      case "stop":
        befall(mishap.point, (process) => fleet.stop(process, mishap.forMs));
        break;
      case "fault":
        faults.push(mishap.fault);
        break;
      case "logout": {
        const alive = [...aliveSince.keys()];
        if (alive.length > 0) begin(logOut(random.pick(alive), mishap.returnAfterMs));
        break;
      }
      case "block-store":
        harmStore(() => chaosStore.block(mishap.forMs));
        break;
      case "restart-store":
        harmStore(() => chaosStore.restart(mishap.downMs));
        break;
      case "flush-scripts":
        harmStore(() => chaosStore.flushScripts());
        break;
    }
  }

  await fleet.ready();
  await forEach(keys, logIn);

  fleet.ask();
  const startedAt = performance.now();
  for (const { atMs, mishap } of schedule) {
    await sleep(startedAt + atMs - performance.now());
    cause(mishap);
  }
  await sleep(startedAt + seconds * 1_000 - performance.now());

  const waitUntil = performance.now() + LAST_REFRESH_MS;
  while (faults.length + ambushes.length > 0 && performance.now() < waitUntil) await sleep(50);
  mayLogIn = false;
  ambushes.length = 0;
  faults.length = 0;
  while (tasks.size > 0) await Promise.all(tasks);
  await fleet.finish();

  const finalStates = await judgeSessions();
  const observations = new Map([...fleet.logFiles].map(([name, file]) => [name, readChaosLog(file)]));
  const evidence: Evidence = {
    exchanges: wire.exchanges,
    logins,
    incidents: fleet.incidents,
    observations,
    finalStates,
  };
  const ledger = drawLedger(evidence);
  if (evidenceFile !== undefined && ledger.violations.length > 0) writeEvidence(evidenceFile, evidence);
  const count = (kind: "lose" | "delay" | "cut" | "refused") =>
    wire.exchanges.filter(({ fault }) => fault === kind).length;
  return {
    ...ledger,
    violations: [
      ...ledger.violations,
      ...fleet.crashes.map((name) => `The process ${name} ended by itself.`),
    ],
    seed,
    kills: fleet.incidents.filter(({ kind }) => kind === "kill").length,
    stops: fleet.incidents.filter(({ kind }) => kind === "stop").length,
    storeFaults,
    lostAnswers: count("lose"),
    lateAnswers: count("delay"),
    cutRequests: count("cut"),
    refusedRequests: count("refused"),
    logouts,
    logins: logins.length,
  };

  /** Reads what is in the store now, and refreshes each session once more. */
  async function judgeSessions(): Promise<ReadonlyMap<string, FinalState>> {
    const { store: opened, close } = await openStore(chaosStore.place);
    const client = clientNamed(JUDGE, PATIENCE_MS);
    const states = new Map<string, FinalState>();
    await forEach(keys, async (key) => {
      const record = await opened.read(key);
      const refreshToken = record && deserializeToken(record.value).refreshToken;
      const session = userSession(client, { store: opened, key });
      try {
        const rejected = await session.getToken();
        await session.getToken({ rejected });
        states.set(key, { refreshToken, error: undefined });
      } catch (error) {
        if (!isTalkdeskError(error)) throw error;
        states.set(key, { refreshToken, error: { code: error.code, error: error.error } });
      } finally {
        await session.close();
      }
    });
    await close();
    return states;
  }
}

function writeEvidence(file: string, { observations, finalStates, ...rest }: Evidence): void {
  const maps = {
    observations: Object.fromEntries(observations),
    finalStates: Object.fromEntries(finalStates),
  };
  writeFileSync(file, JSON.stringify({ ...rest, ...maps }));
}

/** Works on all items, on a few at a time. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all([worker(), worker(), worker(), worker()]);
}
