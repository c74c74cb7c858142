import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  type SourcePool,
  sourcePool,
  TalkdeskError,
  type TokenSource,
} from "@talkdesk-oauth/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { settled } from "./support/lifecycle-fixture.js";

const closedError = (): TalkdeskError => new TalkdeskError("source_closed", "closed");

/** Something that was asked, and what has become of it. */
class Asked {
  outcome = "pending";

  constructor(work: Promise<unknown>) {
    work.then(
      () => {
        this.outcome = "answered";
      },
      (error: { code?: string; message?: string }) => {
        this.outcome = error.code ?? error.message ?? "";
      },
    );
  }
}

/** A source whose answers come when the test says so. */
class SlowSource implements ClosableTokenSource {
  readonly api = "https://api.talkdeskapp.com";
  isOpen = true;
  readonly waiters: { resolve: (token: AccessToken) => void; reject: (error: unknown) => void }[] = [];

  getToken(): Promise<AccessToken> {
    return new Promise((resolve, reject) => void this.waiters.push({ resolve, reject }));
  }

  async close(): Promise<void> {
    this.isOpen = false;
    for (const waiter of this.waiters.splice(0)) waiter.reject(closedError());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The expected state of a key that is being opened or is open. */
interface Expected {
  isOpen: boolean;
  /** The expected results of the callers that wait for the source, and of those that wait for its token. */
  gets: Answer[];
  asks: Answer[];
}
interface Answer {
  outcome: string;
}

/** The pool and its surroundings beside a model of both, which is told the same. */
class Stage {
  readonly pool: SourcePool;
  readonly sources: { readonly key: string; readonly source: SlowSource }[] = [];
  readonly #openings: { readonly key: string; readonly settle: (isGood: boolean) => void }[] = [];
  readonly #handles = new Map<string, TokenSource>();
  readonly #asked: { readonly real: Asked; readonly expected: Answer }[] = [];
  #opens = 0;

  readonly #expected = new Map<string, Expected>();
  readonly #maxIdle: number;
  #idle: string[] = [];
  #expectedOpens = 0;
  #isClosed = false;

  constructor(maxIdle: number) {
    this.#maxIdle = maxIdle;
    this.pool = sourcePool((key) => this.#open(key), { maxIdle });
  }

  #open(key: string): Promise<SlowSource> {
    this.#opens += 1;
    return new Promise((resolve, reject) => {
      this.#openings.push({
        key,
        settle: (isGood) => {
          if (!isGood) return reject(new Error("in vain"));
          const source = new SlowSource();
          this.sources.push({ key, source });
          resolve(source);
        },
      });
    });
  }

  get(key: string): void {
    const work = this.pool.get(key).then((handle) => {
      this.#handles.set(key, handle);
    });
    this.#note(key, work, "gets");
  }

  ask(key: string): void {
    const handle = this.#handles.get(key);
    if (handle !== undefined) this.#note(key, handle.getToken(), "asks");
  }

  #note(key: string, work: Promise<unknown>, kind: "gets" | "asks"): void {
    const expected: Answer = { outcome: "pending" };
    this.#asked.push({ real: new Asked(work), expected });
    if (this.#isClosed) {
      expected.outcome = "source_closed";
      return;
    }
    const found = this.#expected.get(key) ?? { isOpen: false, gets: [], asks: [] };
    if (!this.#expected.has(key)) this.#expectedOpens += 1;
    this.#expected.set(key, found);
    this.#idle = this.#idle.filter((other) => other !== key);
    found[kind].push(expected);
    if (found.isOpen) this.#answerGets(key, found);
  }

  #answerGets(key: string, found: Expected): void {
    for (const answer of found.gets.splice(0)) answer.outcome = "answered";
    this.#rest(key, found);
  }

  /** No caller waits on the source any more, so it becomes the last one to be closed for room. */
  #rest(key: string, found: Expected): void {
    if (found.asks.length > 0 || this.#idle.includes(key)) return;
    this.#idle.push(key);
    if (this.#idle.length > this.#maxIdle) this.#expected.delete(this.#idle.shift() as string);
  }

  /** Settles the opening of a key that has waited longest, which may be one that was given up. */
  open(key: string, isGood: boolean): void {
    const index = this.#openings.findIndex((opening) => opening.key === key);
    const [opening] = index < 0 ? [] : this.#openings.splice(index, 1);
    if (opening === undefined) return;
    opening.settle(isGood);
    const isGivenUp = this.#openings.some((other) => other.key === key) || this.#expected.get(key)?.isOpen;
    const found = isGivenUp ? undefined : this.#expected.get(key);
    if (found === undefined) return;
    if (isGood) {
      found.isOpen = true;
      this.#answerGets(key, found);
    } else {
      this.#expected.delete(key);
      for (const answer of [...found.gets, ...found.asks]) answer.outcome = "in vain";
    }
  }

  answer(key: string): void {
    const found = this.#expected.get(key);
    const source = this.sources.find((other) => other.key === key && other.source.isOpen)?.source;
    const waiter = source?.waiters.shift();
    if (waiter === undefined || found === undefined) return;
    waiter.resolve(accessToken({ value: "t", expiresAt: 0 }));
    (found.asks.shift() as Answer).outcome = "answered";
    this.#rest(key, found);
  }

  close(...keys: readonly [] | readonly [string]): void {
    this.pool.close(...keys).catch(() => {});
    this.#isClosed ||= keys.length === 0;
    for (const key of keys.length === 0 ? [...this.#expected.keys()] : keys) {
      const found = this.#expected.get(key);
      for (const answer of [...(found?.gets ?? []), ...(found?.asks ?? [])]) answer.outcome = "source_closed";
      this.#expected.delete(key);
      this.#idle = this.#idle.filter((other) => other !== key);
    }
  }

  check(): void {
    expect(this.#opens).toBe(this.#expectedOpens);
    expect(this.#asked.map(({ real }) => real.outcome)).toEqual(
      this.#asked.map(({ expected }) => expected.outcome),
    );
    const open = this.sources.filter(({ source }) => source.isOpen).map(({ key }) => key);
    const expected = [...this.#expected].filter(([, { isOpen }]) => isOpen).map(([key]) => key);
    expect(open.sort()).toEqual(expected.sort());
  }
}

type Step = (stage: Stage) => void;

const key = fc.constantFrom("a", "b", "c", "d");
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.get(of),
    ),
  },
  {
    weight: 4,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.ask(of),
    ),
  },
  {
    weight: 4,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.open(of, true),
    ),
  },
  {
    weight: 1,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.open(of, false),
    ),
  },
  {
    weight: 3,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.answer(of),
    ),
  },
  {
    weight: 1,
    arbitrary: key.map(
      (of): Step =>
        (stage) =>
          stage.close(of),
    ),
  },
);
const steps = fc.array(step, { maxLength: 40, size: "max" });

describe("any history of a sourcePool", () => {
  it("is what the contract says", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 3 }), steps, steps, async (maxIdle, before, after) => {
        const stage = new Stage(maxIdle);
        for (const next of [...before, (last: Stage) => last.close(), ...after.slice(0, 5)]) {
          next(stage);
          await settled(1);
          stage.check();
        }
      }),
      { numRuns: 300 },
    );
  });
});
