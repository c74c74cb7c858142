import { setTimeout as sleep } from "node:timers/promises";
import {
  clientSecretBasic,
  deserializeToken,
  isTalkdeskError,
  type TokenStore,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { openChaosLog } from "./chaos-log.js";
import { openStore, type StorePlace } from "./open-store.js";
import { seededRandom } from "./seeded-random.js";
import { startStallMeter } from "./stall-meter.js";
import { tokenName } from "./token-name.js";
import { PROCESS_HEADER } from "./token-wire.js";
import { sendToParent, settingsOfWorker } from "./worker-messages.js";

/** What a process of the chaos run is told when it starts. */
export interface ChaosSettings {
  /** Names the process in its requests. */
  readonly name: string;
  readonly store: StorePlace;
  readonly endpoints: { readonly token: string; readonly api: string; readonly identity: string };
  readonly clientId: string;
  readonly clientSecret: string;
  readonly timeoutMs: number;
  /** The sessions that it serves. */
  readonly keys: readonly string[];
  readonly logFile: string;
  readonly seed: number;
  /** Whether it asks for tokens at once; otherwise when it is ordered to. */
  readonly asksAtOnce: boolean;
}

/** What the conductor asks of a worker. */
export type Order =
  | { readonly order: "start"; readonly id: number; readonly key: string; readonly token: string }
  | { readonly order: "end"; readonly id: number; readonly key: string }
  | { readonly order: "ask" }
  | { readonly order: "finish" };

/** What a worker tells the conductor. */
export type Report =
  | { readonly report: "ready" }
  /** An order was carried out. */
  | { readonly report: "done"; readonly id: number }
  /** The user of a session has to log in again. */
  | { readonly report: "over"; readonly key: string; readonly startedAt: number };

/** How often each session is asked for its token, on average, in milliseconds. */
const CALL_EVERY_MS = 2_000;
const TICK_MS = 50;
/** How long an answer takes beyond its deadline in core (its last look at the store), and then to get here, in milliseconds. */
const MARGIN_MS = 1_000;

const settings = settingsOfWorker<ChaosSettings>();
const { name, timeoutMs, keys } = settings;
const log = openChaosLog(settings.logFile);
const random = seededRandom(settings.seed);
const meter = startStallMeter();
const opened = await openStore(settings.store);
const store = watchStore(opened.store);
const client = talkdeskClient({
  endpoints: settings.endpoints,
  authentication: clientSecretBasic(settings),
  timeoutMs,
  async fetch(url, init) {
    const headers = new Headers(init.headers);
    headers.set(PROCESS_HEADER, name);
    const sent = new URLSearchParams(init.body).get("refresh_token");
    const refreshToken = tokenName(sent ?? "");
    if (sent !== null) log.note({ type: "send", at: Date.now(), refreshToken });
    try {
      const { status, headers: answered, body } = await fetch(url, { ...init, headers } as RequestInit);
      return new Response(body === null ? null : await new Response(body).arrayBuffer(), {
        status,
        headers: answered,
      });
    } catch (error) {
      // Its deadline has struck.
      if (init.signal.aborted) log.note({ type: "give up", at: Date.now(), refreshToken });
      throw error;
    }
  },
});

/** Notes each refresh token that the store has taken. */
function watchStore(watched: TokenStore): TokenStore {
  return {
    ...watched,
    async write(key, value, options) {
      const version = await watched.write(key, value, options);
      const { refreshToken } = deserializeToken(value);
      if (version !== undefined && refreshToken !== undefined) {
        log.note({ type: "stored", at: Date.now(), key, refreshToken: tokenName(refreshToken) });
      }
      return version;
    },
  };
}

const sessions = new Map<string, UserSession>();

function sessionOf(key: string): UserSession {
  const session =
    sessions.get(key) ??
    userSession(client, {
      store,
      key,
      onEvent({ type, at }) {
        if (type === "store_failed") log.note({ type: "store failed", at, key });
      },
    });
  sessions.set(key, session);
  return session;
}

/** The last token of each session that was noted. */
const noted = new Map<string, string>();
/** How often a login has begun here for each session: those who wait then wait for the new login, with a new deadline. */
const logins = new Map<string, number>();
const underWay = new Map<string, Promise<void>>();
let calls = 0;

/** Up to three callers ask for the token of one session at once. */
async function call(key: string): Promise<void> {
  const session = sessionOf(key);
  const startedAt = Date.now();
  const begin = performance.now();
  const before = meter.read();
  const loginsBefore = logins.get(key) ?? 0;
  const callers = 1 + Math.floor(random.next() * 3);
  const outcomes = await Promise.allSettled(Array.from({ length: callers }, () => session.getToken()));
  const waitedMs = performance.now() - begin;
  const stalls = meter.read();
  const rounds = 1 + (stalls.long - before.long) + ((logins.get(key) ?? 0) - loginsBefore);
  const allowedMs = rounds * timeoutMs + (stalls.ms - before.ms) + MARGIN_MS;
  const at = Date.now();
  calls += callers;
  if (waitedMs > allowedMs) log.note({ type: "late", at, key, waitedMs, allowedMs });
  for (const outcome of outcomes) {
    if (outcome.status === "rejected") {
      noteError(key, startedAt, outcome.reason);
      continue;
    }
    const { value, expiresAt } = outcome.value;
    if (expiresAt <= startedAt) log.note({ type: "expired", at, key, byMs: startedAt - expiresAt });
    const token = tokenName(value);
    if (noted.get(key) === token) continue;
    noted.set(key, token);
    log.note({ type: "token", at, key, token });
  }
}

function noteError(key: string, startedAt: number, reason: unknown): void {
  if (!isTalkdeskError(reason)) throw reason;
  const { code, error } = reason;
  log.note({ type: "error", at: Date.now(), startedAt, key, code, ...(error !== undefined && { error }) });
  const isUnknown = code === "refresh_outcome_unknown" && error === "invalid_grant";
  if (code === "reauthentication_required" || isUnknown) sendToParent({ report: "over", key, startedAt });
}

async function carryOut(order: Extract<Order, { id: number }>): Promise<void> {
  const { key, id } = order;
  if (order.order === "start") {
    logins.set(key, (logins.get(key) ?? 0) + 1);
    await sessionOf(key)
      .start(deserializeToken(order.token))
      .catch((reason: unknown) => noteError(key, Date.now(), reason));
  } else {
    const session = sessionOf(key);
    sessions.delete(key);
    noted.delete(key);
    await endSession(session);
  }
  sendToParent({ report: "done", id });
}

/** Ends a session, however long its store is down. */
async function endSession(session: UserSession): Promise<void> {
  for (;;) {
    try {
      return await session.end();
    } catch (reason) {
      if (!isTalkdeskError(reason)) throw reason;
      await sleep(100);
    }
  }
}

let isFinishing = false;
/** Asks for tokens until the conductor has enough. */
async function askForTokens(): Promise<void> {
  const share = (keys.length * TICK_MS) / CALL_EVERY_MS;
  let due = 0;
  let notedAt = Date.now();
  while (!isFinishing) {
    for (due += share; due >= 1; due -= 1) {
      const key = random.pick(keys);
      if (!underWay.has(key))
        underWay.set(
          key,
          call(key).finally(() => underWay.delete(key)),
        );
    }
    if (Date.now() - notedAt > 500) {
      log.note({ type: "calls", at: Date.now(), calls });
      calls = 0;
      notedAt = Date.now();
    }
    await sleep(TICK_MS);
  }
}

async function finish(): Promise<void> {
  isFinishing = true;
  await Promise.all(underWay.values());
  await Promise.all([...sessions.values()].map((session) => session.close()));
  await opened.close();
  log.note({ type: "calls", at: Date.now(), calls });
  log.close();
  process.exit();
}

process.on("message", (order: Order) => {
  if (order.order === "ask") void askForTokens();
  else if (order.order === "finish") void finish();
  else void carryOut(order);
});
process.on("disconnect", () => process.exit());
sendToParent({ report: "ready" });
if (settings.asksAtOnce) await askForTokens();
