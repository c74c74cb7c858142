import {
  type ClientCredentialsOptions,
  type Clock,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  talkdeskClient,
} from "@talkdesk-oauth/core";

/** Taken at import, so that a test's fake timers leave the tests themselves alone. */
const nextRound = setImmediate;

/** Lets everything happen that needs no time: a few rounds of the event loop. */
export async function settled(rounds = 3): Promise<void> {
  for (let round = 0; round < rounds; round += 1) await new Promise((resolve) => nextRound(resolve));
}

interface Timer {
  readonly callback: () => void;
  readonly dueAt: number;
}

/** Two clocks that move only when told, together or apart, and the timers on them. */
export class VirtualClock implements Clock {
  /** Ahead of the machine's clock, since stores go by the later of the two. */
  #wall = Date.UTC(2126, 0, 1);
  #awake = 5_000;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#awake;
  }

  setTimeout(callback: () => void, delayMs: number): Timer {
    const timer = { callback, dueAt: this.#awake + delayMs };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  get timers(): number {
    return this.#timers.size;
  }

  /** Time passes, and what is due happens in between. */
  async advance(ms: number): Promise<void> {
    const end = this.#awake + ms;
    await settled();
    for (;;) {
      const [next] = [...this.#timers].sort((a, b) => a.dueAt - b.dueAt);
      if (next === undefined || next.dueAt > end) break;
      // One that is overdue fires now: time does not go back.
      this.pass(Math.max(0, next.dueAt - this.#awake));
      this.#timers.delete(next);
      next.callback();
      await settled();
    }
    this.pass(Math.max(0, end - this.#awake));
  }

  /** Time passes and no timer fires: as when a process is too busy for its timers. */
  pass(ms: number): void {
    this.#awake += ms;
    this.#wall += ms;
  }

  /** Somebody sets the clock on the wall, or the machine slept: the monotonic one stands still. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /** Fires every timer, due or not. */
  fireTimers(): void {
    for (const timer of [...this.#timers]) {
      this.#timers.delete(timer);
      timer.callback();
    }
  }
}

/** One request that reached the token endpoint, and the ways to answer it. */
export interface Call {
  /** Counts from 1. */
  readonly number: number;
  readonly url: string;
  readonly init: RequestInit;
  readonly isAnswered: boolean;
  /** Answers 200 with `token-<number>` for 599 s, changed where told. */
  grant(members?: Record<string, unknown>): void;
  refuse(status: number, body?: unknown, headers?: Record<string, string>): void;
  /** No answer: the connection broke. */
  lose(error?: unknown): void;
}

export interface ScriptedEndpoint {
  readonly fetch: typeof fetch;
  readonly calls: readonly Call[];
  /** The call that was made last. */
  readonly last: Call;
  /** Calls without an answer yet, those given up included. */
  readonly open: number;
}

/** A token endpoint without a network; `onCall` answers at once, else the test answers when it likes. */
export function scriptedEndpoint(onCall?: (call: Call) => void): ScriptedEndpoint {
  const calls: Call[] = [];
  return {
    calls,
    get last() {
      const call = calls.at(-1);
      if (call === undefined) throw new Error("No call has been made.");
      return call;
    },
    get open() {
      return calls.filter(({ isAnswered }) => !isAnswered).length;
    },
    fetch: (url, init) =>
      new Promise((resolve, reject) => {
        let isAnswered = false;
        const number = calls.length + 1;
        const respond = (status: number, body: unknown, headers: Record<string, string> = {}) => {
          isAnswered = true;
          const text = body === undefined ? null : JSON.stringify(body);
          resolve(
            new Response(text, { status, headers: { "content-type": "application/json", ...headers } }),
          );
        };
        const call: Call = {
          number,
          url: String(url),
          init: init ?? {},
          get isAnswered() {
            return isAnswered;
          },
          grant: (members) =>
            respond(200, {
              access_token: `token-${number}`,
              token_type: "bearer",
              expires_in: 599,
              ...members,
            }),
          refuse: respond,
          lose(error = Object.assign(new TypeError("fetch failed"), { code: "ECONNRESET" })) {
            isAnswered = true;
            reject(error);
          },
        };
        calls.push(call);
        onCall?.(call);
      }),
  };
}

export interface Stage {
  readonly clock: VirtualClock;
  readonly endpoint: ScriptedEndpoint;
  readonly client: TalkdeskClient;
  readonly source: ClosableTokenSource;
}

export interface StageOptions extends ClientCredentialsOptions {
  readonly clock?: VirtualClock;
  readonly client?: Partial<TalkdeskClientOptions>;
  readonly onCall?: (call: Call) => void;
}

/** A source on a clock of its own, with a token endpoint of its own. Jitter is off: the soft window is whole. */
export function stage({ clock = new VirtualClock(), client, onCall, ...options }: StageOptions = {}): Stage {
  const endpoint = scriptedEndpoint(onCall);
  const talkdesk = talkdeskClient({
    account: "acme",
    authentication: clientSecretBasic({ clientId: "client", clientSecret: "a secret" }),
    fetch: endpoint.fetch,
    clock,
    random: () => 0,
    ...client,
  });
  return { clock, endpoint, client: talkdesk, source: clientCredentials(talkdesk, options) };
}

/** Answers every call with a token. */
export const granting = (members?: Record<string, unknown>): ((call: Call) => void) => {
  return (call) => call.grant(members);
};

/** Answers every call with a refusal that is not tried again within one token call. */
export const refusing = (call: Call): void => call.refuse(400, { error: "invalid_scope" });
