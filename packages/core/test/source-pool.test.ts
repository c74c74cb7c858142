import {
  type AccessToken,
  accessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  memoryStore,
  type SourcePool,
  sourcePool,
  type TokenRequest,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { describe, expect, it } from "vitest";
import { settled } from "./support/lifecycle-fixture.js";

const api = "https://api.talkdeskapp.com";
const token = (value: string): AccessToken => accessToken({ value, expiresAt: Date.now() + 599_000 });

/** A source that answers at once, unless it is told to wait. */
class FakeSource {
  readonly api: string = api;
  readonly tokenEndpoint: string = "https://acme.talkdeskid.com/oauth/token";
  readonly identity: string = "https://acme.talkdeskid.com";
  readonly requests: (TokenRequest | undefined)[] = [];
  isClosed = false;
  /** Resolves what was asked, once `hangs` was set. */
  readonly waiting: ((token: AccessToken) => void)[] = [];
  hangs = false;
  readonly #key: string;

  constructor(key: string, addresses: Partial<Pick<FakeSource, "api" | "tokenEndpoint" | "identity">> = {}) {
    this.#key = key;
    Object.assign(this, addresses);
  }

  readonly getToken = async (request?: TokenRequest): Promise<AccessToken> => {
    this.requests.push(request);
    if (this.hangs) return new Promise((resolve) => void this.waiting.push(resolve));
    return token(this.#key);
  };

  async close(): Promise<void> {
    this.isClosed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Stage {
  readonly pool: SourcePool;
  /** Every source that was opened, in order. */
  readonly opened: { readonly key: string; readonly source: FakeSource }[];
  /** The keys whose sources are open, in the order in which they were opened. */
  readonly open: () => string[];
}

function stage(maxIdle?: number, make = (key: string): FakeSource => new FakeSource(key)): Stage {
  const opened: { key: string; source: FakeSource }[] = [];
  const pool = sourcePool(
    (key) => {
      const source = make(key);
      opened.push({ key, source });
      return source;
    },
    maxIdle === undefined ? {} : { maxIdle },
  );
  return {
    pool,
    opened,
    open: () => opened.filter(({ source }) => !source.isClosed).map(({ key }) => key),
  };
}

const source = ({ opened }: Stage, index: number): FakeSource => opened[index]?.source as FakeSource;

/** An `open` that settles when the test says so. */
function gate(): {
  readonly opening: Promise<ClosableTokenSource>;
  readonly opens: (source: ClosableTokenSource) => void;
  readonly fails: (error: unknown) => void;
} {
  let opens: (source: ClosableTokenSource) => void = () => {};
  let fails: (error: unknown) => void = () => {};
  const opening = new Promise<ClosableTokenSource>((resolve, reject) => {
    opens = resolve;
    fails = reject;
  });
  return { opening, opens, fails };
}

describe("opening", () => {
  it("happens once for a key, however many ask for it at the same time", async () => {
    const staged = stage();
    const sources = await Promise.all(Array.from({ length: 20 }, () => staged.pool.get("acme")));
    await Promise.all(sources.map((each) => each.getToken()));
    await (await staged.pool.get("other")).getToken();
    expect(staged.opened.map(({ key }) => key)).toEqual(["acme", "other"]);
  });

  it("gives a source with the addresses of the one behind it", async () => {
    const { pool } = stage();
    expect(await pool.get("acme")).toMatchObject({
      api,
      tokenEndpoint: "https://acme.talkdeskid.com/oauth/token",
      identity: "https://acme.talkdeskid.com",
    });
    const bare = sourcePool(
      () => ({ api, getToken: async () => token("t"), close: async () => {} }) as never,
    );
    expect(Object.keys(await bare.get("acme"))).toEqual(["api", "getToken"]);
  });

  it("that fails rejects all waiting callers, and is tried again by the next call", async () => {
    let opens = 0;
    const pool = sourcePool(async (key) => {
      opens += 1;
      if (opens === 1) throw new Error("no credentials");
      return new FakeSource(key);
    });
    const both = await Promise.allSettled([pool.get("acme"), pool.get("acme")]);
    expect(both.map((end) => end.status)).toEqual(["rejected", "rejected"]);
    await expect(pool.get("acme")).resolves.toMatchObject({ api });
    expect(opens).toBe(2);
  });

  it("may throw, and may ask the pool for another key", async () => {
    const pool: SourcePool = sourcePool(async (key) => {
      if (key === "wrong") throw new RangeError("wrong");
      if (key !== "parent") await pool.get("parent");
      return new FakeSource(key);
    });
    await expect(pool.get("child")).resolves.toMatchObject({ api });
    await expect(pool.get("wrong")).rejects.toThrow(RangeError);
    const thrown = sourcePool(() => {
      throw new RangeError("wrong");
    });
    await expect(thrown.get("acme")).rejects.toThrow(RangeError);
  });
});

describe("closing for room", () => {
  it("closes the source that was used longest ago", async () => {
    const staged = stage(2);
    const first = await staged.pool.get("a");
    await staged.pool.get("b");
    await first.getToken();
    await staged.pool.get("c");
    expect(staged.open()).toEqual(["a", "c"]);
  });

  it("keeps a thousand sources by default", async () => {
    const staged = stage();
    for (let index = 0; index < 1_001; index++) await staged.pool.get(String(index));
    expect(staged.open()).toHaveLength(1_000);
    expect(source(staged, 0).isClosed).toBe(true);
  });

  it("does not close a source while a caller waits on it", async () => {
    const staged = stage(1, (key) => Object.assign(new FakeSource(key), { hangs: key !== "c" }));
    const waits: Promise<AccessToken>[] = [];
    for (const key of ["a", "b", "c"]) waits.push((await staged.pool.get(key)).getToken());
    await waits.at(-1);
    expect(staged.open()).toEqual(["a", "b", "c"]);
    for (const index of [1, 0]) source(staged, index).waiting[0]?.(token("late"));
    await Promise.all(waits);
    expect(staged.open()).toEqual(["a"]);
  });

  it("is not noticed by callers that hold a source", async () => {
    const staged = stage(1);
    const handle = await staged.pool.get("a");
    await staged.pool.get("b");
    expect(source(staged, 0).isClosed).toBe(true);
    const rejected = token("refused");
    const request = { rejected, minimumLifetimeMs: 5_000, signal: new AbortController().signal };
    expect((await handle.getToken(request)).value).toBe("a");
    expect(staged.opened.map(({ key }) => key)).toEqual(["a", "b", "a"]);
    expect(source(staged, 2).requests).toEqual([request]);
  });

  it("that fails or hangs does not affect other callers", async () => {
    const hanging = new FakeSource("hanging");
    hanging.close = () => new Promise(() => {});
    const failing = new FakeSource("failing");
    failing.close = async () => {
      throw new Error("down");
    };
    const { pool } = stage(1, (key) =>
      key === "hanging" ? hanging : key === "failing" ? failing : new FakeSource(key),
    );
    for (const key of ["hanging", "failing", "a", "hanging", "failing"]) {
      await (await pool.get(key)).getToken();
    }
  });

  it("keeps what one key costs from adding up", async () => {
    let open = 0;
    let most = 0;
    const answered = token("t");
    const pool = sourcePool(
      () => {
        open += 1;
        most = Math.max(most, open);
        const close = async (): Promise<void> => {
          open -= 1;
        };
        return { api, getToken: async () => answered, close, [Symbol.asyncDispose]: close };
      },
      { maxIdle: 50 },
    );
    for (let index = 0; index < 100_000; index++) await (await pool.get(`account-${index}`)).getToken();
    expect(open).toBe(50);
    expect(most).toBe(51);
  });
});

describe("a source that has moved", () => {
  it.each([
    { api: "https://api.talkdeskapp.eu" },
    { tokenEndpoint: "https://other.talkdeskid.com/oauth/token" },
    { identity: "https://other.talkdeskid.com" },
  ])("to another %j gives no token to those who knew the former", async (moved) => {
    let opens = 0;
    const staged = stage(1, (key) => new FakeSource(key, ++opens > 2 ? moved : {}));
    const handle = await staged.pool.get("a");
    await staged.pool.get("b");
    await expect(handle.getToken()).rejects.toMatchObject({ code: "source_closed" });
    expect(source(staged, 2).requests).toEqual([]);
    const fresh = await staged.pool.get("a");
    expect(fresh).toMatchObject(moved);
    expect((await fresh.getToken()).value).toBe("a");
  });
});

describe("an abort", () => {
  it("before the call opens nothing", async () => {
    const staged = stage(1);
    const handle = await staged.pool.get("a");
    await staged.pool.get("b");
    const reason = new Error("gone");
    await expect(handle.getToken({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(staged.opened).toHaveLength(2);
  });

  it("while a source is opened ends that caller's wait and no other", async () => {
    const gates = [gate(), gate(), gate()];
    let opens = 0;
    const pool = sourcePool(async () => gates[opens++]?.opening as Promise<ClosableTokenSource>, {
      maxIdle: 1,
    });
    gates[0]?.opens(new FakeSource("a"));
    gates[1]?.opens(new FakeSource("b"));
    const handle = await pool.get("a");
    await pool.get("b");
    const leaving = new AbortController();
    const left = handle.getToken({ signal: leaving.signal });
    const stayed = handle.getToken();
    await settled();
    const reason = new Error("gone");
    leaving.abort(reason);
    await expect(left).rejects.toBe(reason);
    gates[2]?.opens(new FakeSource("a"));
    expect((await stayed).value).toBe("a");
    expect(opens).toBe(3);
  });
});

describe("close", () => {
  it("of a key closes its source alone; the key is opened again on demand", async () => {
    const staged = stage();
    const a = await staged.pool.get("a");
    await staged.pool.get("b");
    await staged.pool.close("a");
    expect(staged.open()).toEqual(["b"]);
    expect((await a.getToken()).value).toBe("a");
    expect(staged.opened.map(({ key }) => key)).toEqual(["a", "b", "a"]);
    await staged.pool.close("unknown");
    expect(staged.open()).toEqual(["b", "a"]);
  });

  it("while a key is opened ends the wait at once, and closes what comes of it", async () => {
    const { opening, opens } = gate();
    const gates = [opening];
    let openings = 0;
    const pool = sourcePool(async (key) => {
      openings += 1;
      return (await gates.shift()) ?? new FakeSource(key);
    });
    const waiting = pool.get("a");
    await settled();
    let isDone = false;
    const closed = pool.close("a").then(() => {
      isDone = true;
    });
    // Another one may be opened meanwhile.
    const next = pool.get("a");
    await expect(waiting).rejects.toMatchObject({ code: "source_closed" });
    await expect(next).resolves.toMatchObject({ api });
    await pool.get("a");
    expect([openings, isDone]).toEqual([2, false]);
    const late = new FakeSource("a");
    opens(late);
    await closed;
    expect(late.isClosed).toBe(true);
  });

  it("while the opening of a key fails has nothing to close", async () => {
    const { opening, fails } = gate();
    const pool = sourcePool(() => opening);
    const waiting = pool.get("a");
    await settled();
    const closed = pool.close();
    fails(new Error("no credentials"));
    await expect(waiting).rejects.toMatchObject({ code: "source_closed" });
    await closed;
  });

  it("during getToken lets the source decide, which is source_closed for all of core's", async () => {
    const client = talkdeskClient({
      account: "acme",
      authentication: clientSecretBasic({ clientId: "i", clientSecret: "s" }),
      fetch: () => new Promise(() => {}),
    });
    const pool = sourcePool(() => clientCredentials(client));
    const waiting = (await pool.get("acme")).getToken();
    await settled();
    await pool.close("acme");
    await expect(waiting).rejects.toMatchObject({ code: "source_closed" });
  });

  it("without a key ends the pool, and waits for what is being closed already", async () => {
    const staged = stage(1);
    const a = await staged.pool.get("a");
    let finish: () => void = () => {};
    source(staged, 0).close = () =>
      new Promise((resolve) => {
        finish = resolve;
      });
    await staged.pool.get("b");
    let isDone = false;
    const closed = staged.pool.close().then(() => {
      isDone = true;
    });
    await settled();
    expect([source(staged, 1).isClosed, isDone]).toEqual([true, false]);
    finish();
    await closed;
    await staged.pool.close();
    await expect(staged.pool.get("c")).rejects.toMatchObject({ code: "source_closed" });
    await expect(a.getToken()).rejects.toMatchObject({ code: "source_closed" });
    expect(staged.opened).toHaveLength(2);
  });

  it("rejects with the error of one that cannot be closed, once the others are", async () => {
    const staged = stage();
    for (const key of ["a", "b"]) await staged.pool.get(key);
    const down = new Error("down");
    source(staged, 0).close = async () => {
      throw down;
    };
    await expect(staged.pool.close()).rejects.toBe(down);
    expect(source(staged, 1).isClosed).toBe(true);
  });
});

describe("what cannot be used", () => {
  it("is a TypeError", async () => {
    for (const open of [undefined, {}, "clientCredentials"]) {
      expect(() => sourcePool(open as never)).toThrow(TypeError);
    }
    for (const maxIdle of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "10", null]) {
      expect(() => sourcePool((key) => new FakeSource(key), { maxIdle } as never)).toThrow(TypeError);
    }
    const { pool, opened, open } = stage();
    for (const key of ["", undefined, 1]) await expect(pool.get(key as never)).rejects.toThrow(TypeError);
    expect(opened).toEqual([]);
    await pool.get("a");
    for (const key of ["", undefined, 1]) await expect(pool.close(key as never)).rejects.toThrow(TypeError);
    expect(open()).toEqual(["a"]);
  });

  it.each([undefined, null, {}, { api, getToken: async () => token("t") }])(
    "as a source is refused, and not kept: %j",
    async (wrong) => {
      let opens = 0;
      const pool = sourcePool((key) => (opens++ === 0 ? (wrong as never) : new FakeSource(key)));
      await expect(pool.get("a")).rejects.toThrow(TypeError);
      await expect(pool.get("a")).resolves.toMatchObject({ api });
    },
  );
});

it("serves accounts from a shared store, so that closing for room costs no token request", async () => {
  await using talkdesk = await startEmulator();
  const { clientId, clientSecret } = talkdesk.clients.get();
  const store = memoryStore();
  const pool = sourcePool(
    (key) => {
      const client = talkdeskClient({
        endpoints: talkdesk.endpoints(),
        authentication: clientSecretBasic({ clientId, clientSecret }),
      });
      return clientCredentials(client, { store, key });
    },
    { maxIdle: 1 },
  );
  const handles = [await pool.get("one"), await pool.get("two")];
  const first = await Promise.all(handles.map((handle) => handle.getToken()));
  const again = await Promise.all(handles.map((handle) => handle.getToken()));
  expect(again.map(({ value }) => value)).toEqual(first.map(({ value }) => value));
  const [one, two] = handles;
  await two?.getToken();
  const [rejected] = first as [AccessToken];
  const replaced = await one?.getToken({ rejected });
  expect(replaced?.value).not.toBe(rejected.value);
  await two?.getToken();
  expect((await one?.getToken())?.value).toBe(replaced?.value);
  expect(talkdesk.requests.to("token")).toHaveLength(3);
  await pool.close();
});
