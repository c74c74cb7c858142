/**
 * A model of a source that is easy to check by reading: it has no promises, no clocks and no callbacks. Tests pass it
 * the time. Callers are numbers, and their results are strings.
 */

/** How long ago something was, counted up on both clocks. */
class Age {
  awake = 0;
  wall = 0;
  get ms(): number {
    return Math.max(this.awake, this.wall);
  }
}

interface HeldToken {
  readonly value: string;
  readonly age: Age;
  readonly softAge: number;
  readonly hardAge: number;
  readonly lifetime: number;
  readonly answersRefusal: boolean;
  isReported: boolean;
}

interface Failure {
  readonly code: string;
  readonly age: Age;
  readonly count: number;
  /** No call at all for this long. */
  readonly gate: number;
  /** No renewal of a valid token for this long. */
  readonly pause: number;
  readonly retryAt: number | undefined;
  /** Since the gate closed first. */
  readonly closed: Age | undefined;
}

interface Call {
  readonly age: Age;
  readonly answersRefusal: boolean;
  /** The waiting callers, and the value that each must not get. */
  readonly waiting: Map<number, string | undefined>;
}

interface Success {
  readonly token: string;
  readonly lifetime: number;
  /** From 0, the whole soft window, to 1, none of it. */
  readonly jitter: number;
}

interface Refusal {
  readonly code: string;
  readonly retryAfter?: number;
}

export type Answer = Success | Refusal;

const REFUSED = "error token_refused";
const CLOSED = "error source_closed";
const doubling = (count: number) => Math.min(1_000 * 2 ** count, 30_000);

export class ReferenceModel {
  readonly outcomes = new Map<number, string>();
  readonly events: object[] = [];
  held: HeldToken | undefined;
  call: Call | undefined;
  failure: Failure | undefined;
  isClosed = false;
  /** Wall-clock time. */
  now: number;
  readonly #refreshEarly: number;

  constructor(now: number, refreshEarly: number) {
    this.now = now;
    this.#refreshEarly = refreshEarly;
  }

  pass({ awake, wall }: { readonly awake: number; readonly wall: number }): void {
    this.now += wall;
    const { held, call, failure } = this;
    for (const age of new Set([held?.age, call?.age, failure?.age, failure?.closed])) {
      if (age === undefined) continue;
      age.awake += awake;
      age.wall += wall;
    }
  }

  ask(caller: number, rejected?: string): void {
    const outcome = this.#outcomeOf(caller, rejected);
    if (outcome !== undefined) this.outcomes.set(caller, outcome);
  }

  /** The immediate result of a caller; undefined when it has to wait. */
  #outcomeOf(caller: number, rejected: string | undefined): string | undefined {
    const { held, failure } = this;
    if (this.isClosed) return CLOSED;
    if (held !== undefined && held.value === rejected) {
      if (held.answersRefusal && held.age.ms < 30_000) return REFUSED;
      if (!held.isReported) this.events.push({ type: "token_rejected", token: held.value });
      held.isReported = true;
      return this.#queue(caller, rejected, "refusal");
    }
    if (held === undefined || held.age.ms >= held.lifetime) return this.#queue(caller, rejected, "no_token");
    if (held.age.ms < held.softAge) return held.value;
    const isPaused = failure !== undefined && failure.age.ms < failure.pause;
    if (!isPaused) this.#request("renewal");
    const mustWait = this.call !== undefined && held.age.ms >= held.hardAge;
    return mustWait ? this.#queue(caller, rejected, "renewal") : this.#stale(held);
  }

  abort(caller: number, reason: string): void {
    if (this.call?.waiting.delete(caller)) this.outcomes.set(caller, reason);
  }

  /** The answer to the call under way has arrived. */
  answer(answer: Answer): void {
    const { call, failure } = this;
    if (call === undefined) return;
    this.call = undefined;
    if ("token" in answer && answer.lifetime > 0) {
      this.#hold(answer, call);
      this.failure = undefined;
      const { token, lifetime } = answer;
      this.events.push({
        type: "token_received",
        token,
        durationMs: call.age.ms,
        expiresAt: this.now - call.age.wall + lifetime,
      });
      if (failure?.closed) this.events.push({ type: "gate_opened", durationMs: failure.closed.ms });
    } else {
      this.#fail("token" in answer ? { code: "token_malformed" } : answer, call);
    }
    for (const [caller, rejected] of call.waiting) {
      this.outcomes.set(caller, this.#outcomeOfCall(answer, rejected));
    }
  }

  /** The result that a call gives to one of the waiting callers. */
  #outcomeOfCall(answer: Answer, rejected: string | undefined): string {
    const { held } = this;
    if ("token" in answer) return rejected === answer.token ? REFUSED : answer.token;
    if (held && held.age.ms < held.lifetime && held.value !== rejected) return this.#stale(held);
    return `error ${answer.code}${until(this.failure?.retryAt)}`;
  }

  close(): void {
    for (const caller of this.call?.waiting.keys() ?? []) this.outcomes.set(caller, CLOSED);
    this.isClosed = true;
    this.held = undefined;
    this.call = undefined;
    this.failure = undefined;
  }

  #stale(held: HeldToken): string {
    this.events.push({
      type: "served_stale",
      token: held.value,
      renewal: this.call ? "pending" : "failed",
      remainingMs: held.lifetime - held.age.ms,
      ...(this.call === undefined && { error: this.failure?.code }),
    });
    return held.value;
  }

  #queue(caller: number, rejected: string | undefined, reason: string): string | undefined {
    const { failure } = this;
    if (this.call === undefined && failure !== undefined && failure.age.ms < failure.gate) {
      return `error ${failure.code}${until(this.now - failure.age.wall + failure.gate)} at once`;
    }
    this.#request(reason).waiting.set(caller, rejected);
    return undefined;
  }

  #request(reason: string): Call {
    if (this.call === undefined) {
      this.events.push({ type: "token_requested", reason, probe: (this.failure?.gate ?? 0) > 0 });
      this.call = { age: new Age(), answersRefusal: reason === "refusal", waiting: new Map() };
    }
    return this.call;
  }

  #hold({ token, lifetime, jitter }: Success, call: Call): void {
    const hard = Math.min(5_000, lifetime / 60);
    const soft = Math.max(hard, Math.min(this.#refreshEarly, lifetime / 10));
    // The value that the API has refused has come back: it is as refused as it was.
    const isReported = this.held?.value === token && this.held.isReported;
    this.held = {
      value: token,
      age: call.age,
      softAge: lifetime - soft + jitter * (soft - hard),
      hardAge: lifetime - hard,
      lifetime,
      answersRefusal: call.answersRefusal || isReported,
      isReported,
    };
  }

  #fail({ code, retryAfter = 0 }: Refusal, call: Call): void {
    const count = (this.failure?.count ?? 0) + 1;
    const gate = retryAfter > 0 ? Math.min(retryAfter, 300_000) : count < 5 ? 0 : doubling(count - 5);
    const age = new Age();
    this.failure = {
      code,
      age,
      count,
      gate,
      pause: Math.max(gate, doubling(count - 1)),
      retryAt: retryAfter > 0 ? this.now + retryAfter : undefined,
      // It ages on its own, not with what may be the same instant.
      closed: this.failure?.closed ?? (gate > 0 ? new Age() : undefined),
    };
    this.events.push({ type: "token_failed", durationMs: call.age.ms, error: code });
    if (gate > 0) this.events.push({ type: "gate_closed", retryAt: this.now + gate, error: code });
  }
}

const until = (retryAt: number | undefined) => (retryAt === undefined ? "" : ` until ${retryAt}`);
