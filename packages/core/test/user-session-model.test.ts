import {
  type AccessToken,
  accessToken,
  type Clock,
  deserializeToken,
  isTalkdeskError,
  type StoreLock,
  serializeToken,
  type TokenStore,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { expect, it } from "vitest";
import { settled, VirtualClock } from "./support/lifecycle-fixture.js";
import { RotatingEndpoint, sessionClient, TestStore } from "./support/session-fixture.js";

/**
 * Random histories of processes that share one session: every operation of store and network may wait for any other,
 * and a process may crash before or after each of them, be stopped for longer than a call may take while the answer lies
 * in its socket, or lose the answer of the token endpoint. The token endpoint accepts each refresh token once and revokes
 * the session when it sees one again.
 */
const RUNS = Number(process.env["SESSION_MODEL_RUNS"] ?? 400);
const SEED = Number(process.env["SESSION_MODEL_SEED"] ?? 20_260_102);

const KEY = "session";
const LIFETIME_MS = 599_000;

const TIMEOUT_MS = 1_000;
/** Longer than a call, and shorter than a lock. */
const STOPPED_MS = 3_000;
/** Longer than a lock too: another process may go on in the meantime. */
const STOPPED_LONG_MS = 10_000;
const DAY_MS = 86_400_000;

type FaultKind =
  | "stopped"
  | "stopped for long"
  | "crash before"
  | "crash after"
  | "lose"
  | "503"
  | "unsent"
  | "store fails"
  | "store fails after";

type Region = "us" | "eu";

interface Fault {
  readonly process: number;
  /** Counts the operations of the process in this round. */
  readonly operation: number;
  readonly kind: FaultKind;
}

interface Round {
  readonly callers: readonly number[];
  readonly faults: readonly Fault[];
  readonly restarts: boolean;
}

const round: fc.Arbitrary<Round> = fc.record({
  callers: fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 4 }),
  faults: fc.array(
    fc.record({
      process: fc.nat({ max: 1 }),
      operation: fc.nat({ max: 14 }),
      kind: fc.constantFrom<FaultKind>(
        "stopped",
        "stopped for long",
        "crash before",
        "crash after",
        "lose",
        "503",
        "unsent",
        "store fails",
        "store fails after",
      ),
    }),
    { maxLength: 2 },
  ),
  restarts: fc.boolean(),
});
const rounds = fc.array(round, { minLength: 1, maxLength: 5 });

const never = (): Promise<never> => new Promise(() => {});

/** One process: its operations go through the scheduler, and none happens after its crash. */
class Process {
  readonly #world: World;
  readonly #number: number;
  readonly session: UserSession;
  operations = 0;
  hasCrashed = false;
  readonly #crash: { happen?: () => void } = {};
  /** A crashed process settles no calls. */
  readonly crashed = new Promise<void>((resolve) => {
    this.#crash.happen = resolve;
  });
  /** Settles when the process, which was stopped, goes on. */
  #stop: Promise<void> | undefined;
  /** Timers that were due while it was stopped. */
  readonly #overdue: (() => void)[] = [];

  constructor(world: World, number: number, region: Region = "us") {
    this.#world = world;
    this.#number = number;
    const options = { timeoutMs: TIMEOUT_MS, region };
    const client = sessionClient({ fetch: this.#fetch(world.endpoints[region]) }, this.#clock(), options);
    this.session = userSession(client, { store: this.#store(world.store), key: KEY });
  }

  #clock(): Clock {
    const { clock } = this.#world;
    return {
      now: () => clock.now(),
      monotonic: () => clock.monotonic(),
      setTimeout: (callback, delayMs) =>
        clock.setTimeout(() => {
          if (this.#stop === undefined) callback();
          else this.#overdue.push(callback);
        }, delayMs),
      clearTimeout: (timer) => clock.clearTimeout(timer),
    };
  }

  /** Stops the process. When it goes on, its timers run before it reads what has arrived. */
  #stopFor(durationMs: number): void {
    this.#stop ??= new Promise((resolve) => {
      this.#world.clock.setTimeout(() => {
        this.#stop = undefined;
        for (const callback of this.#overdue.splice(0)) callback();
        resolve();
      }, durationMs);
    });
  }

  #die(): Promise<never> {
    this.hasCrashed = true;
    this.#crash.happen?.();
    return never();
  }

  #take(): FaultKind | undefined {
    const operation = this.operations;
    this.operations += 1;
    return this.#world.faults.find((fault) => fault.process === this.#number && fault.operation === operation)
      ?.kind;
  }

  async #perform<T>(name: string, work: (kind: FaultKind | undefined) => Promise<T>): Promise<T> {
    if (this.hasCrashed) return never();
    const kind = this.#take();
    await this.#world.turn(`${this.#number} ${name}`);
    await this.#stop;
    if (this.hasCrashed) return never();
    if (kind === "crash before") {
      return this.#die();
    }
    const isStore = name !== "fetch";
    if (isStore && kind === "store fails") throw new Error("down");
    const outcome = await work(kind).then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    if (kind === "crash after") {
      return this.#die();
    }
    if (kind === "stopped") this.#stopFor(STOPPED_MS);
    if (kind === "stopped for long") this.#stopFor(STOPPED_LONG_MS);
    await this.#world.turn(`${this.#number} ${name} is answered`);
    // Answers that have arrived meanwhile are delivered when the process continues.
    await this.#stop;
    if (this.hasCrashed) return never();
    if (isStore && kind === "store fails after") throw new Error("the answer was lost");
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  #store(store: TestStore): TokenStore {
    return {
      read: (key) => this.#perform("read", () => store.read(key)),
      write: (key, value, options) => this.#perform("write", () => store.write(key, value, options)),
      delete: (key) => this.#perform("delete", () => store.delete(key)),
      lock: async (key, options): Promise<StoreLock | undefined> => {
        const lock = await this.#perform("lock", () => store.lock(key, options));
        return (
          lock && {
            fence: lock.fence,
            extend: (ttlMs) => this.#perform("extend", async () => (await lock.extend?.(ttlMs)) === true),
            release: () => this.#perform("release", () => lock.release()),
          }
        );
      },
    };
  }

  #fetch(endpoint: RotatingEndpoint): typeof fetch {
    return (url, init) =>
      this.#perform("fetch", async (kind) => {
        endpoint.treat = () =>
          kind === "lose"
            ? "loses"
            : kind === "503"
              ? { status: 503 }
              : kind === "unsent"
                ? "unsent"
                : "answers";
        const sent = endpoint.valid;
        const answer = await endpoint.fetch(url, init).finally(() => {
          if (kind === "lose" && endpoint.valid !== sent) this.#world.isLost = true;
        });
        return answer;
      });
  }
}

class World {
  readonly clock = new VirtualClock();
  readonly store = new TestStore(this.clock);
  readonly endpoint = new RotatingEndpoint();
  readonly endpoints = { us: this.endpoint, eu: new RotatingEndpoint("eu-") };
  readonly #scheduler: fc.Scheduler;
  processes: Process[] = [];
  faults: readonly Fault[] = [];
  /** Whether a successor may have been lost on its way into the store. */
  isLost = false;

  constructor(scheduler: fc.Scheduler) {
    this.#scheduler = scheduler;
  }

  turn(label: string): Promise<void> {
    return this.#scheduler.schedule(Promise.resolve(), label);
  }

  async until(work: Promise<unknown>): Promise<void> {
    let isDone = false;
    void work.then(() => {
      isDone = true;
    });
    for (let steps = 0; !isDone; steps += 1) {
      if (steps > 20_000) throw new Error("A call did not settle in time.");
      await settled(1);
      if (this.#scheduler.count() > 0) await this.#scheduler.waitOne();
      else await this.clock.advance(25);
    }
  }

  /** Everything that was begun comes to its end. */
  async quiet(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      await settled(2);
      if (this.#scheduler.count() > 0) {
        await this.#scheduler.waitOne();
        idle = 0;
      } else idle += 1;
    }
  }

  get stored(): AccessToken {
    return deserializeToken(this.store.records.get(KEY)?.value ?? "");
  }
}

const loginToken = ({ clock }: World, members = { value: "at-login", refreshToken: "rt-0" }): AccessToken =>
  accessToken({ ...members, issuedAt: clock.now(), expiresAt: clock.now() + LIFETIME_MS });

type Outcome = AccessToken | { readonly code: string };

async function play(world: World, { callers, faults, restarts }: Round): Promise<Outcome[]> {
  world.processes = world.processes.map((process, number) =>
    process.hasCrashed || restarts ? new Process(world, number) : process,
  );
  for (const process of world.processes) process.operations = 0;
  world.faults = faults;
  world.clock.pass(LIFETIME_MS + 60_000);
  const outcomes: Outcome[] = [];
  const calls = callers.map((number) => {
    const process = world.processes[number];
    const answered = process?.session.getToken().then(
      (token) => outcomes.push(token),
      (error: unknown) => outcomes.push({ code: isTalkdeskError(error) ? error.code : String(error) }),
    );
    return Promise.race([process?.crashed, answered]);
  });
  await world.until(Promise.all(calls));
  world.faults = [];
  // A failed write is repeated.
  for (let wait = 0; wait < 6; wait += 1) {
    await world.clock.advance(2_000);
    await world.quiet();
  }
  return outcomes;
}

function check(world: World, { faults }: Round, outcomes: readonly Outcome[], wasLost: boolean): void {
  const codes = outcomes.filter((outcome) => "code" in outcome).map(({ code }) => code);
  // The session was never revoked, so only the network or a crash can have lost a token.
  expect(codes).not.toContain("reauthentication_required");
  const mayLose = faults.some(
    ({ kind }) => kind.startsWith("crash") || kind === "lose" || kind === "stopped for long",
  );
  if (!mayLose && !wasLost) {
    expect(world.isLost).toBe(false);
    expect(world.stored.refreshToken).toBe(world.endpoint.valid);
    expect(codes).not.toContain("refresh_outcome_unknown");
  }
  if (faults.length === 0 && !wasLost && !world.isLost) expect(codes).toEqual([]);
}

it("never loses a valid refresh token, and reports what the network has lost", {
  timeout: 300_000,
}, async () => {
  let refreshes = 0;
  let losses = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), rounds, async (scheduler, history) => {
      const world = new World(scheduler);
      await world.store.write(KEY, serializeToken(loginToken(world)), { expectedVersion: 0 });
      world.processes = [0, 1].map((number) => new Process(world, number));
      for (const round of history) {
        const wasLost = world.isLost;
        const outcomes = await play(world, round);
        // Tokens that the token endpoint issued and no process could store.
        if (world.endpoint.valid !== world.stored.refreshToken) world.isLost = true;
        check(world, round, outcomes, wasLost);
      }
      refreshes += world.endpoint.received.length;
      if (world.isLost) losses += 1;
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  // The histories reach what they are for.
  expect(refreshes).toBeGreaterThan(RUNS);
  expect(losses).toBeGreaterThan(RUNS / 100);
});

/** The result of a call: its token, or the code of its error. */
const outcomeOf = (call: Promise<AccessToken>): Promise<string> =>
  call.then(
    ({ value }) => value,
    (error: unknown) => (isTalkdeskError(error) ? error.code : String(error)),
  );

it("hands out no token of a session that was ended beside slow writers, or was idle for too long", {
  timeout: 120_000,
}, async () => {
  let ends = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(round, { maxLength: 1 }),
      round,
      fc.constantFrom("end", "idle"),
      fc.record({ ender: fc.nat({ max: 1 }), turns: fc.nat({ max: 24 }) }),
      async (scheduler, before, last, how, when) => {
        const world = new World(scheduler);
        await world.store.write(KEY, serializeToken(loginToken(world)), { expectedVersion: 0 });
        world.processes = [0, 1].map((number) => new Process(world, number));
        for (const history of before) await play(world, history);
        for (const { expiresAt } of world.store.records.values()) {
          // Records that a session writes expire; the test wrote the first record without an expiry.
          if (world.endpoint.received.length === 0) continue;
          expect(expiresAt).toBeLessThanOrEqual(world.clock.now() + 30 * DAY_MS);
        }
        if (how === "idle") {
          const sent = world.endpoint.received.length;
          if (sent === 0) return;
          world.clock.pass(30 * DAY_MS);
          expect(await world.store.read(KEY)).toBeUndefined();
          const late = outcomeOf(new Process(world, 0).session.getToken());
          await world.until(late);
          expect(await late).toBe("reauthentication_required");
          expect(world.endpoint.received).toHaveLength(sent);
          ends += 1;
          return;
        }

        const ender = world.processes[when.ender] as Process;
        let isEnded = false;
        const end = (async () => {
          for (let turn = 0; turn < when.turns; turn += 1) await world.turn("the end waits");
          await ender.session.end().then(
            () => {
              isEnded = true;
            },
            () => {},
          );
        })();
        await play(world, { ...last, restarts: false });
        await world.until(Promise.race([end, ender.crashed]));
        await world.quiet();
        if (!isEnded) return;
        ends += 1;
        expect(world.store.records.has(KEY)).toBe(false);
        world.clock.pass(LIFETIME_MS);
        for (const [number, process] of [...world.processes, new Process(world, 1)].entries()) {
          if (process.hasCrashed) continue;
          const call = outcomeOf(process.session.getToken());
          await world.until(call);
          expect(await call).toBe(process === ender ? "source_closed" : "reauthentication_required");
          expect(number).toBeLessThan(3);
        }
      },
    ),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  expect(ends).toBeGreaterThan(RUNS / 4);
});

it("keeps two regions on one store and key apart, in any history", {
  timeout: 120_000,
}, async () => {
  const tokens = { us: 0, eu: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(
        fc.record({
          logsIn: fc.option(fc.constantFrom(0, 1, 2), { nil: undefined }),
          callers: fc.array(fc.nat({ max: 2 }), { minLength: 1, maxLength: 4 }),
          passes: fc.boolean(),
        }),
        { minLength: 1, maxLength: 5 },
      ),
      async (scheduler, history) => {
        const world = new World(scheduler);
        const regions: readonly Region[] = ["us", "us", "eu"];
        world.processes = regions.map((region, number) => new Process(world, number, region));
        for (const { logsIn, callers, passes } of history) {
          if (passes) world.clock.pass(LIFETIME_MS + 60_000);
          const work: Promise<unknown>[] = callers.map(async (number) => {
            const region = regions[number] as Region;
            const outcome = await outcomeOf((world.processes[number] as Process).session.getToken());
            const isToken = outcome.includes("at-");
            if (!isToken) return expect(outcome).toBe("reauthentication_required");
            tokens[region] += 1;
            expect(outcome.startsWith("eu-")).toBe(region === "eu");
          });
          if (logsIn !== undefined) {
            const region = regions[logsIn] as Region;
            const token = loginToken(world, world.endpoints[region].login());
            work.push((world.processes[logsIn] as Process).session.start(token).catch(() => {}));
          }
          const settledWork = Promise.allSettled(work);
          await world.until(settledWork);
          for (const result of await settledWork) {
            if (result.status === "rejected") throw result.reason;
          }
          await world.quiet();
        }
        const isOfEurope = (refreshToken: string): boolean => refreshToken.startsWith("eu-");
        expect(world.endpoints.us.received.filter(isOfEurope)).toEqual([]);
        expect(world.endpoints.eu.received.every(isOfEurope)).toBe(true);
      },
    ),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  // The histories reach what they are for.
  expect(tokens.us).toBeGreaterThan(RUNS / 4);
  expect(tokens.eu).toBeGreaterThan(RUNS / 8);
});
