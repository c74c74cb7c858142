import {
  type AccessToken,
  accessToken,
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
import { settled, VirtualClock } from "./lifecycle-fixture.js";
import { RotatingEndpoint, sessionClient, TestStore } from "./session-fixture.js";

/**
 * Random histories of two processes that share one session: every operation of store and network may wait for any
 * other, and a process may crash before or after each of them, or lose the answer of the token endpoint. The token
 * endpoint accepts each refresh token once and revokes the session when it sees one again.
 */
const RUNS = Number(process.env["SESSION_MODEL_RUNS"] ?? 400);
const SEED = Number(process.env["SESSION_MODEL_SEED"] ?? 20_260_102);

const KEY = "session";
const LIFETIME_MS = 599_000;

type FaultKind =
  | "crash before"
  | "crash after"
  | "lose"
  | "503"
  | "unsent"
  | "store fails"
  | "store fails after";

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

const rounds = fc.array(
  fc.record({
    callers: fc.array(fc.nat({ max: 1 }), { minLength: 1, maxLength: 4 }),
    faults: fc.array(
      fc.record({
        process: fc.nat({ max: 1 }),
        operation: fc.nat({ max: 14 }),
        kind: fc.constantFrom<FaultKind>(
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
  }),
  { minLength: 1, maxLength: 5 },
);

const never = (): Promise<never> => new Promise(() => {});

/** One process: its operations go through the scheduler, and none happens after its crash. */
class Process {
  readonly #world: World;
  readonly #number: number;
  readonly session: UserSession;
  operations = 0;
  hasCrashed = false;
  readonly #crash: { happen?: () => void } = {};
  /** A process that crashed answers nobody. */
  readonly crashed = new Promise<void>((resolve) => {
    this.#crash.happen = resolve;
  });

  constructor(world: World, number: number) {
    this.#world = world;
    this.#number = number;
    const { store, endpoint, clock } = world;
    const client = sessionClient({ fetch: this.#fetch(endpoint) }, clock, { timeoutMs: 1_000 });
    this.session = userSession(client, { store: this.#store(store), key: KEY });
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
    await this.#world.turn(`${this.#number} ${name} is answered`);
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
        return lock && { fence: lock.fence, release: () => this.#perform("release", () => lock.release()) };
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
  // What failed to be saved is saved.
  for (let wait = 0; wait < 4; wait += 1) {
    await world.clock.advance(2_000);
    await world.quiet();
  }
  // What the token endpoint gave and nobody could keep.
  if (world.endpoint.valid !== world.stored.refreshToken) world.isLost = true;
  return outcomes;
}

function check(world: World, { faults }: Round, outcomes: readonly Outcome[], wasLost: boolean): void {
  const codes = outcomes.filter((outcome) => "code" in outcome).map(({ code }) => code);
  // Nobody has revoked the session: whatever was lost, the network or a crash has lost it.
  expect(codes).not.toContain("reauthentication_required");
  const isCrash = faults.some(({ kind }) => kind.startsWith("crash"));
  const mayLose = isCrash || faults.some(({ kind }) => kind === "lose");
  if (!mayLose && !wasLost) {
    expect(world.isLost).toBe(false);
    expect(world.stored.refreshToken).toBe(world.endpoint.valid);
    expect(codes).not.toContain("refresh_outcome_unknown");
  }
  if (faults.length === 0 && !wasLost && !world.isLost) expect(codes).toEqual([]);
}

it("never loses the refresh token that is good, and names what the network has lost", {
  timeout: 300_000,
}, async () => {
  let refreshes = 0;
  let losses = 0;
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), rounds, async (scheduler, history) => {
      const world = new World(scheduler);
      const token = accessToken({
        value: "at-login",
        refreshToken: "rt-0",
        issuedAt: world.clock.now(),
        expiresAt: world.clock.now() + LIFETIME_MS,
      });
      await world.store.write(KEY, serializeToken(token), { expectedVersion: 0 });
      world.processes = [0, 1].map((number) => new Process(world, number));
      for (const round of history) {
        const wasLost = world.isLost;
        const outcomes = await play(world, round);
        check(world, round, outcomes, wasLost);
      }
      refreshes += world.endpoint.received.length;
      if (world.isLost) losses += 1;
    }),
    { numRuns: RUNS, seed: SEED, endOnFailure: true },
  );
  // The histories reach what they are for.
  expect(refreshes).toBeGreaterThan(RUNS);
  expect(losses).toBeGreaterThan(RUNS / 50);
});
