import { Readable } from "node:stream";
import {
  accessToken,
  discardBody,
  isRefusalError,
  MAX_BUFFERED_BYTES,
  MAX_DISCARD_MS,
  sendAuthorized,
} from "@talkdesk-oauth/core";
import { afterEach, describe, expect, it, vi } from "vitest";

describe("a refused answer that nobody will read", () => {
  afterEach(() => void vi.useRealTimers());

  /** Bodies that give a chunk of this size for each read, as often as told, then end or never do. */
  const bodies = {
    "a stream of the web": (size: number, times: number, ends: boolean) => {
      const log = { isCancelled: false, reads: 0 };
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (log.reads < times) controller.enqueue(new Uint8Array(size));
            else if (ends) controller.close();
            log.reads += 1;
          },
          cancel() {
            log.isCancelled = true;
          },
        },
        { highWaterMark: 0 },
      );
      return { body, log };
    },
    "a stream of Node's": (size: number, times: number, ends: boolean) => {
      const log = { isCancelled: false, reads: 0 };
      const body = new Readable({
        read() {
          if (log.reads < times) this.push(new Uint8Array(size));
          else if (ends) this.push(null);
          log.reads += 1;
        },
        destroy(_, done) {
          log.isCancelled = !this.readableEnded;
          done(null);
        },
      });
      return { body, log };
    },
  };

  it.each(Object.keys(bodies) as (keyof typeof bodies)[])("is read to its end, %s", async (name) => {
    const { body, log } = bodies[name](1_000, 10, true);
    await discardBody(body);
    expect(log).toEqual({ isCancelled: false, reads: 11 });
  });

  it.each(Object.keys(bodies) as (keyof typeof bodies)[])("is cancelled beyond 64 KiB, %s", async (name) => {
    const { body, log } = bodies[name](10_000, 1_000, true);
    await discardBody(body);
    await expect.poll(() => log.isCancelled).toBe(true);
    expect(log.reads).toBeLessThan(2 + (2 * MAX_BUFFERED_BYTES) / 10_000);
  });

  it.each(Object.keys(bodies) as (keyof typeof bodies)[])(
    "is cancelled when it has not ended after ten seconds, %s",
    async (name) => {
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
      const { body, log } = bodies[name](10, 2, false);
      const discarded = discardBody(body);
      vi.advanceTimersByTime(MAX_DISCARD_MS - 1);
      await new Promise(setImmediate);
      expect(log.isCancelled).toBe(false);
      vi.advanceTimersByTime(1);
      await discarded;
      expect(log.isCancelled).toBe(true);
    },
  );

  it("leaves no timer when it is done", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    await discardBody(new Blob(["a"]).stream());
    expect(vi.getTimerCount()).toBe(0);
  });

  it("may be locked, break off, or refuse to be cancelled", async () => {
    const locked = new Blob(["a"]).stream();
    locked.getReader();
    await discardBody(locked);
    await discardBody(
      new ReadableStream({
        pull() {
          throw new Error("gone");
        },
      }),
    );
    await discardBody(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(2 * MAX_BUFFERED_BYTES)),
        cancel() {
          throw new Error("gone");
        },
      }),
    );
    await discardBody(null);
    // An unhandled rejection would fail the run.
    await new Promise(setImmediate);
  });
});

describe("an error that a client makes of an answer", () => {
  const expired = 'Bearer error="invalid_token"';
  const forbidden = 'Bearer error="insufficient_scope"';
  const thrown = (members: object): Error => Object.assign(new Error("thrown"), members);

  it.each<[string, unknown, boolean]>([
    ["with its response", thrown({ response: new Response(null, { status: 401 }) }), true],
    ["with status and headers", thrown({ status: 401, headers: new Headers() }), true],
    [
      "with statusCode and a record",
      thrown({ statusCode: 401, headers: { "WWW-Authenticate": expired } }),
      true,
    ],
    ["with statusCode alone", thrown({ statusCode: 401 }), true],
    ["as the cause of another", new TypeError("fetch failed", { cause: thrown({ statusCode: 401 }) }), true],
    [
      "about what the token may do",
      thrown({ statusCode: 401, headers: { "www-authenticate": forbidden } }),
      false,
    ],
    [
      "about what the token may do, in several challenges",
      thrown({ statusCode: 401, headers: { "www-authenticate": ["Basic", forbidden] } }),
      false,
    ],
    [
      "with a response about what the token may do",
      thrown({ response: new Response(null, { status: 401, headers: { "www-authenticate": forbidden } }) }),
      false,
    ],
    [
      "that only speaks of what the token may do, in a description",
      thrown({
        statusCode: 401,
        headers: {
          "www-authenticate": `${expired}, error_description="an \\" or, error=insufficient_scope"`,
        },
      }),
      true,
    ],
    [
      "about what the token may do, behind a description",
      thrown({
        statusCode: 401,
        headers: { "www-authenticate": 'Bearer error_description="a \\" b", ERROR=insufficient_scope' },
      }),
      false,
    ],
    ["with another status", thrown({ response: new Response(null, { status: 403 }), status: 401 }), false],
    ["of the network", thrown({ code: "ECONNRESET" }), false],
    ["that is no object", "401", false],
    ["that is nothing", undefined, false],
  ])("%s", (_, error, isRefusal) => {
    expect(isRefusalError(error)).toBe(isRefusal);
  });

  it("ends where causes go round", () => {
    const error = new Error("round");
    error.cause = error;
    expect(isRefusalError(error)).toBe(false);
  });
});

describe("a request that the API has refused", () => {
  it.each<[method: string, isReplayable: boolean, isRedirected: boolean | undefined, sendings: number]>([
    ["GET", true, false, 2],
    ["POST", true, false, 2],
    ["POST", true, undefined, 2],
    ["GET", true, true, 2],
    ["get", true, true, 2],
    ["HEAD", true, true, 2],
    ["POST", true, true, 1],
    ["OPTIONS", true, true, 1],
    ["GET", false, false, 1],
    ["GET", false, true, 1],
  ])(
    "by %s, with a replayable body %s and after a redirect %s, is sent %s times at most",
    async (method, isReplayable, isRedirected, sendings) => {
      const sent: string[] = [];
      const source = {
        api: "https://api.example",
        getToken: async ({ rejected }: { rejected?: unknown } = {}) =>
          accessToken({ value: rejected === undefined ? "first" : "second", expiresAt: Date.now() + 60_000 }),
      };
      await sendAuthorized(source, {
        method,
        isReplayable,
        send: async ({ value }) => sent.push(value),
        isRefusal: () => true,
        discard: () => {},
        ...(isRedirected !== undefined && { isRedirected: () => isRedirected }),
      });
      expect(sent).toEqual(["first", "second"].slice(0, sendings));
    },
  );
});
