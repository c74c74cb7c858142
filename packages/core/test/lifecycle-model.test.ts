import { getEventListeners } from "node:events";
import { isDeepStrictEqual } from "node:util";
import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  isTalkdeskError,
  type TokenEvent,
  type TokenRequest,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Call,
  type ScriptedEndpoint,
  scriptedEndpoint,
  settled,
  VirtualClock,
} from "./support/lifecycle-fixture.js";
import { ReferenceModel } from "./support/lifecycle-reference-model.js";
import { rejection } from "./support/token-endpoint.js";

/**
 * Random histories of two sources in one process, each compared with the reference model after every burst of things
 * that happen at once. A step that is impossible at its place, such as an answer without a request, does nothing.
 *
 * A failure prints its seed and its path. `LIFECYCLE_MODEL_SEED` repeats a seed, `LIFECYCLE_MODEL_RUNS` sets the
 * number of histories.
 */
const RUNS = Number(process.env["LIFECYCLE_MODEL_RUNS"] ?? 3_000);
const SEED = Number(process.env["LIFECYCLE_MODEL_SEED"] ?? 20_260_101);

type Action =
  | {
      readonly do: "ask";
      readonly source: number;
      readonly signal: "none" | "own" | "shared" | "aborted";
      readonly rejected: "none" | "current" | "older" | "foreign";
    }
  | { readonly do: "abort"; readonly pick: number }
  | { readonly do: "abort shared" }
  | { readonly do: "answer"; readonly source: number; readonly with: Reply }
  | { readonly do: "close"; readonly source: number };

type Reply =
  | {
      readonly lifetime: number | undefined;
      readonly value: "new" | "held" | "older";
      readonly jitter: number;
    }
  | { readonly status: number; readonly retryAfter?: number }
  | "timeout";

type Move =
  | { readonly awake: number; readonly wall: number }
  | {
      readonly to: "soft" | "hard" | "end" | "gate" | "pause" | "loop";
      readonly source: number;
      readonly off: number;
    };

type Step = { readonly burst: readonly Action[] } | { readonly move: Move };

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

const source = fc.constantFrom(0, 0, 0, 1);
const ask: fc.Arbitrary<Action> = fc.record({
  do: fc.constant("ask" as const),
  source,
  signal: fc.constantFrom("none", "none", "own", "shared", "aborted"),
  rejected: fc.constantFrom("none", "none", "none", "current", "current", "older", "foreign"),
});
const grant: fc.Arbitrary<Reply> = fc.record({
  lifetime: fc.constantFrom(599, 599, 599, 20, 20, 1, 0, -5, 31_536_000, undefined),
  value: fc.constantFrom("new", "new", "new", "new", "held", "older"),
  jitter: fc.constantFrom(0, 0.25, 0.5, 0.999),
});
const failure: fc.Arbitrary<Reply> = fc.constantFrom<Reply>(
  { status: 400 },
  { status: 400 },
  { status: 401 },
  "timeout",
  { status: 503, retryAfter: 1 },
  { status: 429, retryAfter: 20 },
  { status: 503, retryAfter: 4_000 },
);
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.integer({ min: 1, max: 3_000 }).map((ms) => ({ awake: ms, wall: ms })),
  fc.integer({ min: 1, max: 700 }).map((s) => ({ awake: s * SECOND, wall: s * SECOND })),
  // The clock on the wall is set, or the machine sleeps; time may be set back while time passes.
  fc.constantFrom(2 * HOUR, -2 * HOUR, 90 * SECOND, -90 * SECOND).map((wall) => ({ awake: 0, wall })),
  fc.integer({ min: 1, max: 700 }).map((s) => ({ awake: s * SECOND, wall: -HOUR })),
  fc.record({
    to: fc.constantFrom("soft", "soft", "hard", "hard", "end", "gate", "pause", "loop"),
    source,
    off: fc.constantFrom(-1, 0, 1),
  }),
);

/** A row of failures with no token left, through as many gates as it takes. */
const outage: fc.Arbitrary<readonly Step[]> = fc
  .record({ source, failures: fc.integer({ min: 4, max: 12 }), off: fc.constantFrom(-1, 0, 1) })
  .map(({ source: down, failures, off }) => [
    { move: { to: "end", source: down, off: 0 } },
    ...Array.from({ length: failures }, (_, index): Step[] => [
      { burst: [{ do: "ask", source: down, signal: "none", rejected: "none" }] },
      { burst: [{ do: "answer", source: down, with: { status: 400 } }] },
      { move: { to: "gate", source: down, off: index === failures - 1 ? off : 0 } },
    ]).flat(),
  ]);

/** In some histories most calls fail, in others hardly one does: rows of failures need the former. */
const script = fc.constantFrom(1, 4, 12).chain((failures) => {
  const reply = fc.oneof({ weight: 4, arbitrary: grant }, { weight: failures, arbitrary: failure });
  const answer: fc.Arbitrary<Action> = fc.record({ do: fc.constant("answer" as const), source, with: reply });
  const action = fc.oneof(
    { weight: 40, arbitrary: ask },
    { weight: 25, arbitrary: answer },
    { weight: 10, arbitrary: fc.record({ do: fc.constant("abort" as const), pick: fc.nat(7) }) },
    { weight: 3, arbitrary: fc.constant<Action>({ do: "abort shared" }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), source }) },
  );
  const step: fc.Arbitrary<readonly Step[]> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.array(action, { minLength: 1, maxLength: 5 }).map((burst) => [{ burst }]),
    },
    {
      weight: 4,
      arbitrary: fc
        .tuple(ask, answer)
        .map(([asked, answered]) => [
          { burst: [asked] },
          { burst: [{ ...answered, source: (asked as { source: number }).source } as Action] },
        ]),
    },
    { weight: 5, arbitrary: move.map((moved) => [{ move: moved }]) },
    { weight: failures === 12 ? 2 : 0, arbitrary: outage },
  );
  return fc.array(step, { minLength: 4, maxLength: 24 }).map((steps) => steps.flat());
});

const settings = fc.record({
  refreshEarlyMs: fc.constantFrom(60_000, 60_000, 0, 3_000, 10 * HOUR),
  listenerThrows: fc.boolean(),
  /** Between the last answer and the end: somewhere in the middle of its way to the callers. */
  turnsBeforeClose: fc.nat(60),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

/** `expect` for what is looked at millions of times: it costs something only when it fails. */
function same(actual: unknown, expected: unknown, what: string): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual, what).toStrictEqual(expected);
}

interface Grant {
  readonly awake: number;
  readonly wall: number;
  readonly lifetime: number;
}

/** One source beside its model, and what its callers were told. */
class Twin {
  readonly clock = new VirtualClock();
  readonly endpoint: ScriptedEndpoint = scriptedEndpoint();
  readonly events: TokenEvent[] = [];
  readonly source: ClosableTokenSource;
  readonly model: ReferenceModel;
  readonly outcomes = new Map<number, string>();
  readonly waiting = new Map<number, { readonly controller?: AbortController; readonly rejected?: string }>();
  readonly values: string[] = [];
  readonly grants = new Map<string, Grant>();
  /** The burst in which a value arrived last. */
  readonly arrived = new Map<string, number>();
  readonly fingerprints = new Map<string, string>();
  readonly sentAt = new Map<Call, { readonly awake: number; readonly wall: number }>();
  jitter = 0;
  /** The value that was granted last. */
  granted = "";
  #comparedEvents = 0;

  constructor(name: string, { refreshEarlyMs, listenerThrows }: Settings) {
    const client = talkdeskClient({
      account: name,
      authentication: clientSecretBasic({ clientId: name, clientSecret: `secret of ${name}` }),
      fetch: this.endpoint.fetch,
      clock: this.clock,
      random: () => this.jitter,
      // Shorter than any wait between attempts, so a token call is one request. The clock fires it when told.
      timeoutMs: 1,
    });
    this.source = clientCredentials(client, {
      refreshEarlyMs,
      onEvent: (event) => {
        this.events.push(event);
        if (listenerThrows) throw new Error("a listener's own trouble");
      },
    });
    this.model = new ReferenceModel(this.clock.now(), refreshEarlyMs);
  }

  /** The request that the source waits for: not one that it gave up. */
  get call(): Call | undefined {
    return this.endpoint.calls.find(({ isAnswered, init }) => !isAnswered && !init.signal?.aborted);
  }

  pass(awake: number, wall: number): void {
    this.clock.pass(awake);
    this.clock.step(wall - awake);
    this.model.pass({ awake, wall });
  }

  /** Milliseconds until something in the model is about to change. */
  until(point: "soft" | "hard" | "end" | "gate" | "pause" | "loop"): number {
    const { held, failure } = this.model;
    const age = point === "gate" || point === "pause" ? failure?.age : held?.age;
    const at = {
      soft: held?.softAge,
      hard: held?.hardAge,
      end: held?.lifetime,
      loop: 30_000,
      gate: failure?.gate,
      pause: failure?.pause,
    }[point];
    return age === undefined || at === undefined ? 0 : Math.ceil(at - age.ms);
  }

  compare(burst: number): void {
    const { model } = this;
    for (const [caller, { rejected }] of this.waiting) {
      const outcome = this.outcomes.get(caller);
      same(outcome, model.outcomes.get(caller), `what caller ${caller} was told`);
      if (outcome === undefined) continue;
      this.waiting.delete(caller);
      if (!this.arrived.has(outcome)) continue;
      same(outcome === rejected, false, `caller ${caller} rejected ${outcome} and got it`);
      // A token that has just arrived is given to the callers that waited for it, even if it has expired.
      if (this.arrived.get(outcome) === burst) continue;
      const { awake = 0, wall = 0, lifetime = 0 } = this.grants.get(outcome) ?? {};
      const age = Math.max(this.clock.monotonic() - awake, this.clock.now() - wall);
      same(age < lifetime, true, `caller ${caller} got ${outcome} at the age of ${age} of ${lifetime} ms`);
    }
    const seen = this.events.slice(this.#comparedEvents).map((event) => this.#plain(event));
    same(seen, model.events.slice(this.#comparedEvents), "events");
    this.#comparedEvents = this.events.length;
    const open = this.endpoint.calls.filter(({ isAnswered, init }) => !isAnswered && !init.signal?.aborted);
    same(open.length, model.call === undefined ? 0 : 1, "requests under way");
    for (const call of open) {
      if (!this.sentAt.has(call)) {
        this.sentAt.set(call, { awake: this.clock.monotonic(), wall: this.clock.now() });
      }
    }
  }

  /** An event in the model's words: the token for its fingerprint, the code for the error. */
  #plain({ at, grantType, tokenEndpoint, clientId, ...event }: TokenEvent): object {
    same(at, this.clock.now(), "at");
    same(grantType, "client_credentials", "grantType");
    same(tokenEndpoint, this.endpoint.last.url, "tokenEndpoint");
    same(new URL(tokenEndpoint).host.startsWith(`${clientId}.`), true, "clientId");
    const { fingerprint, error, ...plain } = event as typeof event & {
      readonly fingerprint?: string;
      readonly error?: Error;
    };
    if (event.type === "token_received" && fingerprint !== undefined) {
      this.fingerprints.set(fingerprint, this.granted);
    }
    return {
      ...plain,
      ...(fingerprint !== undefined && { token: this.fingerprints.get(fingerprint) }),
      ...(isTalkdeskError(error) && { error: error.code }),
    };
  }
}

/** Counts what all histories did, to check that they reach the difficult cases. */
const tally = new Map<string, number>();
const count = (what: string): void => void tally.set(what, (tally.get(what) ?? 0) + 1);

async function live(steps: readonly Step[], options: Settings): Promise<void> {
  const twins = [new Twin("acme", options), new Twin("umbrella", options)] as const;
  const twin = (index: number): Twin => (index === 0 ? twins[0] : twins[1]);
  const errors = new Set<unknown>();
  let callers = 0;
  let bursts = 0;
  let shared = new AbortController();

  const act = (action: Action): void => {
    switch (action.do) {
      case "ask":
        askFor(twin(action.source), action);
        break;
      case "abort": {
        const own = twins.flatMap(({ waiting, model }) =>
          [...waiting].flatMap(([caller, { controller }]) =>
            controller === undefined || controller === shared ? [] : [{ caller, controller, model }],
          ),
        );
        const picked = own[action.pick % Math.max(1, own.length)];
        if (picked === undefined) break;
        picked.controller.abort(`aborted ${picked.caller}`);
        picked.model.abort(picked.caller, `aborted ${picked.caller}`);
        break;
      }
      case "abort shared": {
        shared.abort("aborted together");
        for (const { waiting, model } of twins) {
          for (const [caller, { controller }] of waiting) {
            if (controller === shared) model.abort(caller, "aborted together");
          }
        }
        shared = new AbortController();
        break;
      }
      case "answer":
        reply(twin(action.source), action.with);
        break;
      case "close": {
        const { source: closed, model } = twin(action.source);
        void closed.close();
        model.close();
        break;
      }
    }
  };

  const askFor = (
    { source: asked, model, clock, waiting, outcomes, values }: Twin,
    { signal, rejected }: Extract<Action, { do: "ask" }>,
  ): void => {
    callers += 1;
    const caller = callers;
    const value = {
      none: undefined,
      current: model.held?.value,
      older: values.at(-2),
      foreign: "somebody-else's",
    }[rejected];
    const controller = {
      none: undefined,
      own: new AbortController(),
      shared,
      aborted: new AbortController(),
    }[signal];
    if (signal === "aborted") controller?.abort("aborted before");
    const request: TokenRequest = {
      ...(controller !== undefined && { signal: controller.signal }),
      ...(value !== undefined && {
        rejected: accessToken({ value, issuedAt: 0, expiresAt: clock.now() }),
      }),
    };
    waiting.set(caller, {
      ...(controller !== undefined && { controller }),
      ...(value !== undefined && { rejected: value }),
    });
    asked.getToken(signal === "none" && value === undefined ? undefined : request).then(
      (token: AccessToken) => outcomes.set(caller, token.value),
      (error: unknown) => {
        outcomes.set(caller, told(error));
        if (!isTalkdeskError(error)) return;
        if (errors.has(error)) outcomes.set(caller, "the error of somebody else");
        errors.add(error);
      },
    );
    if (signal === "aborted" && !model.isClosed) model.outcomes.set(caller, "aborted before");
    else model.ask(caller, value);
  };

  const answers = new Map<Twin, Parameters<ReferenceModel["answer"]>[0]>();
  const reply = (to: Twin, answer: Reply): void => {
    const { call, clock, model, values, grants, arrived } = to;
    if (call === undefined) {
      // Perhaps one that was given up when its source was closed.
      to.endpoint.calls.find(({ isAnswered }) => !isAnswered)?.grant();
      return;
    }
    if (answer === "timeout") {
      clock.fireTimers();
      answers.set(to, { code: "token_timeout" });
      return;
    }
    if ("status" in answer) {
      const { status, retryAfter } = answer;
      const headers = retryAfter === undefined ? {} : { "retry-after": String(retryAfter) };
      call.refuse(status, { error: "invalid_scope" }, headers);
      const code = status === 400 || status === 401 ? "request_refused" : "token_unavailable";
      answers.set(to, { code, ...(retryAfter !== undefined && { retryAfter: retryAfter * SECOND }) });
      return;
    }
    const sentAt = to.sentAt.get(call) ?? { awake: clock.monotonic(), wall: clock.now() };
    const lifetime = (answer.lifetime ?? 599) * SECOND;
    const value =
      { new: undefined, held: model.held?.value, older: values.at(-2) }[answer.value] ??
      `token-${call.number}`;
    call.grant({ access_token: value, expires_in: answer.lifetime });
    to.jitter = answer.jitter;
    to.granted = value;
    if (!values.includes(value)) values.push(value);
    arrived.set(value, bursts);
    // One without a lifetime says nothing about the same value held.
    if (lifetime > 0) grants.set(value, { ...sentAt, lifetime });
    answers.set(to, { token: value, lifetime, jitter: answer.jitter });
  };

  const compare = async (): Promise<void> => {
    // Most of these timeouts come late: the process might have been stopped, and a few turns are left for an answer.
    await settled(4);
    for (const [answered, answer] of answers) answered.model.answer(answer);
    answers.clear();
    for (const each of twins) each.compare(bursts);
    const isAwaited = twins.some(({ waiting }) =>
      [...waiting.values()].some(({ controller }) => controller === shared),
    );
    same(
      getEventListeners(shared.signal, "abort").length,
      isAwaited ? 1 : 0,
      "listeners on the shared signal",
    );
  };

  for (const step of steps) {
    if ("move" in step) {
      const { move: moved } = step;
      const ms = "to" in moved ? twin(moved.source).until(moved.to) + moved.off : 0;
      for (const each of twins) {
        if ("to" in moved) each.pass(Math.max(0, ms), Math.max(0, ms));
        else each.pass(moved.awake, moved.wall);
      }
      continue;
    }
    bursts += 1;
    for (const action of step.burst) act(action);
    await compare();
  }

  // An answer that arrives while its source is closed is no longer the model's to foresee; what counts is the end.
  for (const { call } of twins) call?.grant();
  for (let turn = 0; turn < options.turnsBeforeClose; turn += 1) await Promise.resolve();
  for (const { source: closed } of twins) await closed.close();
  await settled();
  for (const { source: closed, waiting, outcomes, endpoint, clock, events } of twins) {
    for (const caller of waiting.keys()) same(outcomes.has(caller), true, `caller ${caller} was told`);
    const { length: requests } = endpoint.calls;
    same(told(await rejection(closed.getToken())), "error source_closed", "after the end");
    same(endpoint.calls.length, requests, "requests after the end");
    same(clock.timers, 0, "timers left");
    for (const { type } of events) count(type);
  }
  same(getEventListeners(shared.signal, "abort").length, 0, "listeners left");
  count("history");
  for (const { outcomes } of twins) {
    for (const outcome of outcomes.values()) count(outcome.replace(/\d+.*?(?= at once|$)/, "…"));
  }
}

/** The result of a caller, as a string of the model. */
function told(error: unknown): string {
  if (!isTalkdeskError(error)) return String(error);
  const until = error.retryAt === undefined ? "" : ` until ${error.retryAt}`;
  return `error ${error.code}${until}${error.message.includes("Nothing is sent before") ? " at once" : ""}`;
}

async function histories(runs: number, seed: number): Promise<void> {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  try {
    await fc.assert(fc.asyncProperty(script, settings, live), { numRuns: runs, seed });
    await settled();
  } finally {
    process.off("unhandledRejection", note);
  }
  expect(unhandled).toEqual([]);
}

describe("the lifecycle of a token", () => {
  it("agrees with the reference model in every history of one seed", async () => {
    tally.clear();
    await histories(RUNS, SEED);
    // Each of these is somewhere that a history must get to for its agreement to mean anything.
    for (const reached of [
      "token_requested",
      "token_received",
      "token_failed",
      "served_stale",
      "token_rejected",
      "gate_closed",
      "gate_opened",
      "error token_refused",
      "error source_closed",
      "error token_unavailable until … at once",
      "error request_refused until … at once",
      "error token_timeout",
      "aborted before",
      "aborted together",
    ]) {
      expect(tally.get(reached) ?? 0, reached).toBeGreaterThan(RUNS / 100);
    }
  });

  it("agrees with the reference model in new random histories", async () => {
    await histories(Math.ceil(RUNS / 3), Date.now() & 0x7fffffff);
  });
});
