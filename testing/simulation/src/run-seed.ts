import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  isTalkdeskError,
  type TalkdeskClient,
  type TokenRequest,
  type TokenStore,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { drawFaults, endFaults, type Faults, isCalm } from "./faults.js";
import { createLedger, type Family, type Ledger } from "./ledger.js";
import { type Random, seededRandom } from "./random.js";
import { LIFETIME_MS, PROGRAM, type SimulatedEndpoint, simulatedEndpoint } from "./simulated-endpoint.js";
import { type SimulatedProcess, simulatedProcess } from "./simulated-process.js";
import { type SimulatedStore, simulatedStore } from "./simulated-store.js";
import { type VirtualTime, virtualTime } from "./virtual-time.js";

/** What one run has shown. */
export interface Outcome {
  readonly seed: number;
  /** What was promised and not kept. Empty for a good run. */
  readonly violations: readonly string[];
  readonly calls: number;
  /** Exchanges of refresh tokens. */
  readonly exchanges: number;
  /** Logins that were lost to a fault, and named. */
  readonly losses: number;
  readonly kills: number;
}

export interface RunOptions {
  /** Changes the store as each process sees it, to plant a bug. */
  readonly sabotage?: ((store: TokenStore) => TokenStore) | undefined;
  /** Told of everything that happens. */
  readonly trace?: ((line: string) => void) | undefined;
}

const TIMEOUT_MS = 4_000;
/** After `timeoutMs`, a session looks into the store once more. */
const LAST_LOOK_MS = 300;
/** After failures, a source answers with the last one for up to so long. */
const LONGEST_GATE_MS = 30_000;
const FAULTS_END_MS = 6 * LIFETIME_MS;
/** Enough for every lease to end, and for every write that is repeated. */
const RECOVERY_MS = 45_000;
const SESSIONS = ["session-1", "session-2"];

/** A process with its sources. */
interface Server {
  readonly process: SimulatedProcess;
  readonly client: TalkdeskClient;
  readonly store: TokenStore;
  readonly program: ClosableTokenSource;
  readonly sessions: Map<string, UserSession>;
  /** The keys whose store has failed, as the source has reported. */
  readonly reported: Set<string>;
  /** The last token that each key was given here. */
  readonly given: Map<string, AccessToken>;
  isClosing: boolean;
}

interface World {
  readonly time: VirtualTime;
  readonly random: Random;
  readonly faults: Faults;
  readonly wasCalm: boolean;
  readonly ledger: Ledger;
  readonly store: SimulatedStore;
  readonly endpoint: SimulatedEndpoint;
  readonly options: RunOptions;
  readonly trace: (line: string) => void;
  servers: Server[];
  lastProcess: number;
  calls: number;
  kills: number;
  /** The processes of calls that have not settled. */
  readonly open: Set<{ readonly process: SimulatedProcess }>;
  /** Whether any process has a wall clock of its own: then it misjudges the age of what others have stored. */
  isSkewed: boolean;
}

/** Runs several processes that share sessions and a program's token, with the faults that the seed draws. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<Outcome> {
  const time = virtualTime();
  const random = seededRandom(seed);
  const faults = drawFaults(random);
  const ledger = createLedger(time);
  const trace = (line: string): void => options.trace?.(`${Math.round(time.now)} ms: ${line}`);
  const store = simulatedStore(time, random, faults, {
    onWrite: (_process, _key, value) => ledger.noteWrite(value),
    onFault: (process, key) => ledger.noteStoreFault(process, key),
    onLoss: () => ledger.noteLoss(),
    trace,
  });
  const endpoint = simulatedEndpoint(time, random, faults, ledger, trace);
  const world: World = {
    time,
    random,
    faults,
    wasCalm: isCalm(faults),
    ledger,
    store,
    endpoint,
    options,
    trace,
    servers: [],
    lastProcess: 0,
    calls: 0,
    kills: 0,
    open: new Set(),
    isSkewed: false,
  };
  const count = random.pick([2, 2, 3, 4]);
  for (let number = 0; number < count; number += 1) startServer(world);
  for (const key of SESSIONS) time.plan(random.between(0, 1_000), () => logIn(world, key));
  planCalls(world);
  if (!world.wasCalm) planEvents(world);
  time.plan(FAULTS_END_MS, () => endFaults(faults));
  await time.runUntil(FAULTS_END_MS + RECOVERY_MS);
  const losses = await judgeSessions(world);
  const open = [...world.open].filter(({ process }) => process.isAlive).length;
  if (open > 0) ledger.blame(`${open} calls of living processes never settled`);
  if (world.wasCalm) judgeSharing(world);
  // Lets others use the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  const { violations } = ledger;
  const exchanges = endpoint.issued.size - endpoint.programTokensAt.length;
  return { seed, violations, calls: world.calls, exchanges, losses, kills: world.kills };
}

function startServer(world: World): void {
  const { time, endpoint, store, random } = world;
  world.lastProcess += 1;
  const process = simulatedProcess(time, world.lastProcess, () => world.ledger.noteStop());
  const client = talkdeskClient({
    account: "acme",
    authentication: clientSecretBasic({ clientId: "client", clientSecret: "a secret" }),
    fetch: endpoint.connect(process),
    clock: process.clock,
    random: () => random.next(),
    timeoutMs: TIMEOUT_MS,
  });
  const connected = store.connect(process);
  const seen = world.options.sabotage?.(connected) ?? connected;
  const program = clientCredentials(client, { store: seen, key: PROGRAM });
  world.servers.push({
    process,
    client,
    store: seen,
    program,
    sessions: new Map(),
    reported: new Set(),
    given: new Map(),
    isClosing: false,
  });
}

function sessionOf(server: Server, key: string): UserSession {
  const session =
    server.sessions.get(key) ??
    userSession(server.client, {
      store: server.store,
      key,
      onEvent: ({ type }) => {
        if (type === "store_failed") server.reported.add(key);
      },
    });
  server.sessions.set(key, session);
  return session;
}

const runningServers = ({ servers }: World): Server[] =>
  servers.filter(({ process, isClosing }) => process.isAlive && !process.isStopped && !isClosing);

/** Someone logs in, on one of the servers. */
function logIn(world: World, key: string): void {
  const { random, endpoint } = world;
  const servers = runningServers(world);
  // A logout under way would end this login as well, since both have one key.
  if (servers.length === 0 || world.ledger.latest(key)?.end === "begun") return;
  const server = random.pick(servers);
  const { value, refreshToken } = endpoint.login(server.process, key);
  const now = server.process.clock.now();
  const token = accessToken({ value, refreshToken, issuedAt: now, expiresAt: now + LIFETIME_MS });
  world.trace(`process ${server.process.number}, ${key}: a login with ${refreshToken}`);
  const session = sessionOf(server, key);
  judgeCall(world, server, key, {}, async () => {
    await session.start(token);
    // That of a later login, if there is one.
    return session.getToken();
  });
}

/** Someone logs out, on one of the servers. */
function logOut(world: World, key: string): void {
  const { random, ledger, time } = world;
  const servers = runningServers(world);
  const family = ledger.latest(key);
  if (servers.length === 0 || family === undefined || family.end !== undefined) return;
  // Another process may hold a login that the store has not taken, and knows nothing of the logout when it stores that.
  if (ledger.storedAt(family.loginToken) === undefined) return;
  const server = random.pick(servers);
  const session = sessionOf(server, key);
  server.sessions.delete(key);
  family.end = "begun";
  // A logout that the store did not take is tried again, as its documentation says.
  const end = (): void => {
    if (!server.process.isAlive) return;
    session.end().then(
      () => {
        family.end = "confirmed";
      },
      () => void time.plan(500, end),
    );
  };
  end();
}

function planCalls(world: World): void {
  const { time, random } = world;
  for (let at = 2_000; at < FAULTS_END_MS; at += random.between(500, 15_000)) {
    const isBurst = random.chance(0.3);
    time.plan(at, () => {
      if (!isBurst) call(world);
      else for (let number = 0; number < 8; number += 1) time.plan(random.between(0, 60), () => call(world));
    });
  }
}

function call(world: World): void {
  const { random } = world;
  const servers = runningServers(world);
  if (servers.length === 0) return;
  const server = random.pick(servers);
  const key = random.pick([...SESSIONS, PROGRAM]);
  const source = key === PROGRAM ? server.program : sessionOf(server, key);
  const given = server.given.get(key);
  const request: TokenRequest = world.wasCalm
    ? {}
    : {
        ...(given !== undefined && random.chance(0.08) && { rejected: given }),
        ...(random.chance(0.1) && { minimumLifetimeMs: random.between(0, 2 * LIFETIME_MS) }),
      };
  judgeCall(world, server, key, request, () => source.getToken(request));
}

function planEvents(world: World): void {
  const { time, random, store } = world;
  const plan = (name: string, perRun: number, event: () => void): void => {
    for (let at = 5_000; ; ) {
      at += (-Math.log(1 - random.next()) * FAULTS_END_MS) / perRun;
      if (at >= FAULTS_END_MS) return;
      time.plan(at, () => {
        world.trace(name);
        event();
      });
    }
  };
  const someServer = (act: (server: Server) => void): (() => void) => {
    return () => {
      const servers = runningServers(world);
      if (servers.length > 0) act(random.pick(servers));
    };
  };
  const often = (perRun: number): number => (random.chance(0.4) ? perRun : 0.001);

  plan("someone logs out", often(2), () => logOut(world, random.pick(SESSIONS)));
  plan("someone logs in", 1.5, () => logIn(world, random.pick(SESSIONS)));
  plan(
    "a process is killed",
    often(2),
    someServer(({ process }) => process.kill()),
  );
  plan(
    "a process is stopped",
    often(2),
    someServer(({ process }) => process.stopFor(random.between(100, 40_000))),
  );
  plan(
    "a clock is set",
    often(1),
    someServer(({ process }) => {
      process.setClock(random.between(-3_600_000, 3_600_000));
      world.isSkewed = true;
    }),
  );
  plan("the store fails", often(2), () =>
    store.failFor(random.between(500, 20_000), random.pick(["all", "writes"])),
  );
  plan("the store is flushed", often(0.3), () => store.flush());
  plan("the store loses its last writes", often(0.5), () => store.loseLast(random.between(100, 5_000)));
  plan(
    "a process is closed",
    often(2),
    someServer((server) => {
      server.isClosing = true;
      for (const source of [server.program, ...server.sessions.values()]) source.close().catch(() => {});
      time.plan(3 * TIMEOUT_MS, () => server.process.kill());
    }),
  );
  // A process that is gone is started again.
  for (let at = 1_000; at <= FAULTS_END_MS + 1_000; at += 1_000) {
    time.plan(at, () => {
      const isGone = ({ process }: Server): boolean => !process.isAlive;
      const gone = world.servers.filter(isGone).length;
      world.kills += gone;
      world.servers = world.servers.filter((server) => !isGone(server));
      for (let number = 0; number < gone; number += 1) startServer(world);
    });
  }
}

/** Codes that a session may answer with while something else fails. */
const TEMPORARY = new Set([
  "token_network",
  "token_timeout",
  "token_unavailable",
  "token_malformed",
  "token_unexpected_response",
  "client_refused",
  "store_unavailable",
  "lock_timeout",
  "token_refused",
]);

const OF_THE_STORE = new Set(["store_unavailable", "lock_timeout"]);

/** Makes a call, and judges its answer and how long it took. */
function judgeCall(
  world: World,
  server: Server,
  key: string,
  request: TokenRequest,
  make: () => Promise<AccessToken>,
): void {
  const { time, ledger } = world;
  const { process } = server;
  const calledAt = time.now;
  const family = ledger.latest(key);
  world.calls += 1;
  const opened = { process };
  world.open.add(opened);
  const settled = (): void => {
    world.open.delete(opened);
    const since = Math.max(calledAt, process.continuedAt.at(-1) ?? 0);
    const waitedMs = time.now - since;
    if (waitedMs > TIMEOUT_MS + LAST_LOOK_MS) {
      ledger.blame(`a call of process ${process.number} took ${Math.round(waitedMs)} ms`);
    }
  };
  make().then(
    (token) => {
      settled();
      world.trace(`process ${process.number}, ${key}: ${token.value}`);
      judgeToken(world, server, key, { request, calledAt }, token);
      server.given.set(key, token);
    },
    (error: unknown) => {
      settled();
      world.trace(
        `process ${process.number}, ${key}: ${isTalkdeskError(error) ? error.code : String(error)}`,
      );
      judgeError(
        world,
        server,
        key,
        { family, calledAt },
        isTalkdeskError(error) ? error.code : String(error),
      );
    },
  );
}

/** What is known when a call is made. */
interface CallFacts {
  readonly calledAt: number;
  /** The latest login then. */
  readonly family: Family | undefined;
}

function judgeToken(
  { time, endpoint, ledger, isSkewed }: World,
  { process, reported }: Server,
  key: string,
  { request: { rejected }, calledAt }: { readonly request: TokenRequest; readonly calledAt: number },
  { value }: AccessToken,
): void {
  // A process may be stopped on the way from the answer to the caller.
  const mayBeOld = isSkewed || (process.continuedAt.at(-1) ?? 0) > calledAt;
  const issued = endpoint.issued.get(value);
  if (issued?.key !== key) ledger.blame(`process ${process.number} was given a token of ${issued?.key}`);
  else if (issued.expiresAt <= time.now && !mayBeOld)
    ledger.blame(`process ${process.number} was given an expired token`);
  if (rejected?.value === value) ledger.blame(`process ${process.number} was given the token it had refused`);
  const isSafe = key === PROGRAM || ledger.storedAt(value) !== undefined;
  if (!isSafe && !reported.has(key)) {
    ledger.blame(`process ${process.number} was given a token before its successor was stored`);
  }
}

function judgeError(world: World, server: Server, key: string, facts: CallFacts, code: string): void {
  if (mayFailWith(world, server, key, facts, code)) return;
  world.ledger.blame(`process ${server.process.number}, ${key}: ${code}`);
}

function mayFailWith(
  world: World,
  { isClosing }: Server,
  key: string,
  facts: CallFacts,
  code: string,
): boolean {
  if (world.wasCalm) return false;
  // A program needs no store, and no login.
  if (key === PROGRAM) {
    return code === "source_closed" ? isClosing : TEMPORARY.has(code) && !OF_THE_STORE.has(code);
  }
  if (code === "source_closed") return isClosing || facts.family?.end !== undefined;
  if (code === "refresh_outcome_unknown" || code === "reauthentication_required") {
    return mayBeLost(world, key, facts);
  }
  return TEMPORARY.has(code);
}

/** Whether something other than our code explains that a session needs a new login. */
function mayBeLost({ ledger, time }: World, key: string, { family, calledAt }: CallFacts): boolean {
  const latest = ledger.latest(key);
  return (
    latest === undefined ||
    latest !== family ||
    // Failures with an earlier login may have closed the gate.
    time.now - latest.startedAt < LONGEST_GATE_MS + TIMEOUT_MS ||
    latest.end !== undefined ||
    ledger.hasLostSince(0) ||
    ledger.wasDisturbed(latest) ||
    ((ledger.storedAt(latest.loginToken) ?? Number.POSITIVE_INFINITY) > calledAt &&
      ledger.isLoginExplained(latest))
  );
}

/** Without faults, processes ask for a new token of the program only when the one that they share is due. */
function judgeSharing({ endpoint: { programTokensAt }, ledger }: World): void {
  for (const [index, at] of programTokensAt.entries()) {
    const before = programTokensAt[index - 1];
    if (before !== undefined && at - before < LIFETIME_MS * 0.85) {
      ledger.blame(`the program asked for a token ${Math.round(at - before)} ms after another`);
    }
  }
}

/** When all faults are over: each session works, or its loss is explained and named. Resolves to how many are lost. */
async function judgeSessions(world: World): Promise<number> {
  const { time, ledger, store } = world;
  let losses = 0;
  // Afterwards no process holds a token that is valid.
  await time.runUntil(time.now + LIFETIME_MS);
  for (const key of SESSIONS) {
    const stored = store.valueOf(key);
    const refreshToken =
      stored === undefined ? undefined : (JSON.parse(stored) as { refreshToken?: string }).refreshToken;
    const family = winner(ledger.latest(key), ledger.familyOf(refreshToken ?? ""));
    const hasLost = ledger.hasLostSince(0);
    if (family === undefined || family.end === "begun") continue;
    if (family.end === "confirmed") {
      // The write of a login may be under way for so long that it arrives after a logout in another process.
      const mayReturn = hasLost || ledger.isLoginExplained(family);
      if (stored !== undefined && !mayReturn) ledger.blame(`${key} was ended and is stored`);
      continue;
    }
    if (ledger.storedAt(family.loginToken) === undefined) {
      if (!ledger.isLoginExplained(family)) ledger.blame(`a login of ${key} was not stored`);
      continue;
    }
    const isKept = family.valid !== undefined && refreshToken === family.valid;
    const { last } = family;
    if (!isKept) {
      losses += 1;
      if (!hasLost && !ledger.wasDisturbed(family)) ledger.blame(`${key} was lost without a reason`);
      if (!hasLost && stored === undefined) ledger.blame(`${key} is not stored`);
      if (!hasLost && last?.storedAt === undefined && last !== undefined && !ledger.isExplained(last)) {
        ledger.blame(`a successor of ${key} was not stored, without a reason`);
      }
    }
    // The answer to the last exchange never reached the store, so that is what the callers must be told.
    const isAnswerLost = last !== undefined && last.storedAt === undefined;
    for (const server of world.servers) {
      if (!server.process.isAlive || server.isClosing) continue;
      const code = await lastCall(world, server, key);
      const who = `process ${server.process.number}, ${key}, at last`;
      if (code === "open") ledger.blame(`${who}: no answer`);
      else if (isKept && code !== "token") ledger.blame(`${who}: ${code}, although the session is good`);
      else if (isKept || hasLost || (code === "token" && world.isSkewed)) continue;
      else if (code === "token") ledger.blame(`${who}: a token, although the session is lost`);
      else if (isAnswerLost && code !== "refresh_outcome_unknown") {
        ledger.blame(`${who}: ${code}, although an answer was lost`);
      }
    }
  }
  return losses;
}

/** Of two logins at about the same time, either may stay. */
function winner(latest: Family | undefined, stored: Family | undefined): Family | undefined {
  if (latest === undefined || stored === undefined) return latest;
  return latest.startedAt - stored.startedAt < 3 * TIMEOUT_MS ? stored : latest;
}

async function lastCall({ time }: World, server: Server, key: string): Promise<string> {
  let code = "open";
  sessionOf(server, key)
    .getToken()
    .then(
      () => {
        code = "token";
      },
      (error: unknown) => {
        code = isTalkdeskError(error) ? error.code : String(error);
      },
    );
  await time.runUntil(time.now + TIMEOUT_MS + LAST_LOOK_MS);
  return code;
}
