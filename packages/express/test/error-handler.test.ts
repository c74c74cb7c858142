import { TalkdeskError, type TalkdeskErrorCode, type TalkdeskErrorOptions } from "@talkdesk-oauth/core";
import { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "@talkdesk-oauth/express";
import { afterEach, describe, expect, it, vi } from "vitest";
import { ACCEPT } from "./support/app.js";
import { openFailing } from "./support/failing-app.js";
import { frameworks } from "./support/served.js";

afterEach(() => void vi.useRealTimers());

/** What the contract says of each code; the compiler demands one that is new. */
const STATUS: Record<TalkdeskErrorCode, 401 | 502 | 503> = {
  token_network: 502,
  token_timeout: 502,
  token_unavailable: 503,
  token_unexpected_response: 502,
  token_malformed: 502,
  response_too_large: 502,
  unsupported_token_type: 502,
  client_refused: 502,
  request_refused: 502,
  credentials_unavailable: 502,
  token_refused: 502,
  reauthentication_required: 401,
  refresh_outcome_unknown: 401,
  source_closed: 401,
  store_unavailable: 503,
  store_corrupt: 502,
  lock_timeout: 503,
  authorization_denied: 502,
  authorization_failed: 502,
  state_mismatch: 502,
  nonce_mismatch: 502,
  id_token_invalid: 502,
  installation_unknown: 502,
};
const codes = Object.keys(STATUS) as TalkdeskErrorCode[];

const TITLE = { 401: "Unauthorized", 502: "Bad Gateway", 503: "Service Unavailable" } as const;

/** Text of an upstream, which nobody is to read here. */
const SAID: TalkdeskErrorOptions = {
  error: "upstream<error>",
  errorDescription: "upstream <script>alert(1)</script>",
  hints: ["upstream hint"],
  cause: new Error("upstream cause"),
};
const fault = (code: TalkdeskErrorCode, options: TalkdeskErrorOptions = {}): TalkdeskError =>
  new TalkdeskError(code, "upstream message", { ...SAID, ...options });

const browser = { headers: { accept: ACCEPT.firefox } };

describe.each(frameworks)("talkdeskErrorHandler() in %s", (_name, framework) => {
  it("answers each code as it should, to programs and to browsers", async () => {
    await using app = await openFailing(framework, ({ path }) => fault(path.slice(1) as TalkdeskErrorCode));
    for (const code of codes) {
      const status = STATUS[code];
      const expected = {
        "cache-control": "no-store",
        vary: "Accept",
        ...(status === 401 && { "www-authenticate": 'Bearer realm="Talkdesk"' }),
        ...(status === 503 && { "retry-after": "5" }),
      };
      const absent = ["www-authenticate", "retry-after"].filter((name) => !(name in expected));

      const problem = await app.ask(`/${code}`);
      expect([code, problem.status]).toEqual([code, status]);
      expect(problem.headers).toMatchObject({ ...expected, "content-type": "application/problem+json" });
      expect(JSON.parse(problem.text)).toEqual({
        status,
        title: TITLE[status],
        detail: expect.stringMatching(/\.$/),
        code,
      });

      const page = await app.ask(`/${code}`, browser);
      expect([code, page.status]).toEqual([code, status]);
      expect(page.headers).toMatchObject({ ...expected, "content-type": "text/html; charset=utf-8" });
      expect(page.text).toMatch(/<h1>[^<]+<\/h1>\n<p>[^<]+<\/p>/);

      for (const { headers, text } of [problem, page]) {
        for (const name of absent) expect(headers[name]).toBeUndefined();
        expect(`${JSON.stringify(headers)}${text}`).not.toMatch(/upstream|script/);
      }
    }
    expect(app.errors).toEqual([]);
  });

  it.each([
    ["programs", Object.values(ACCEPT).filter((accept) => !accept.startsWith("text/html"))],
    ["browsers", [ACCEPT.chrome, ACCEPT.firefox, ACCEPT.safari, "text/html", "text/*"]],
  ])("knows %s by what they would like to read", async (who, accepts) => {
    await using app = await openFailing(framework, () => fault("token_network"));
    for (const accept of accepts) {
      const { headers } = await app.ask("/", { headers: { accept } });
      const type = who === "browsers" ? "text/html; charset=utf-8" : "application/problem+json";
      expect([accept, headers["content-type"]]).toEqual([accept, type]);
    }
  });

  it("says after how many seconds to try again, at least one", async () => {
    const now = Date.UTC(2026, 0, 1);
    vi.useFakeTimers({ toFake: ["Date"], now });
    let retryAt = 0;
    await using app = await openFailing(framework, ({ path }) =>
      fault(path.slice(1) as TalkdeskErrorCode, { retryAt }),
    );
    for (const [afterMs, seconds] of [
      [30_000, "30"],
      [30_001, "31"],
      [999, "1"],
      [0, "1"],
      [-60_000, "1"],
      [300_000, "300"],
    ] as const) {
      retryAt = now + afterMs;
      for (const code of ["token_unavailable", "client_refused", "token_network"]) {
        const { status, headers, text } = await app.ask(`/${code}`);
        expect([status, headers["retry-after"]]).toEqual([503, seconds]);
        expect(JSON.parse(text).detail).toContain(` ${seconds} s`);
      }
    }
    expect((await app.ask("/source_closed")).status).toBe(401);
    expect((await app.ask("/source_closed")).headers["retry-after"]).toBeUndefined();
  });

  it.each([
    ["in a year", Date.now() + 365 * 86_400_000, "3600"],
    ["never", Number.POSITIVE_INFINITY, "3600"],
    ["beyond what a date can be", 8_640_000_000_000_000 * 1_000, "3600"],
    ["at no number", Number.NaN, "5"],
    ["before there was time", Number.NEGATIVE_INFINITY, "1"],
  ])(
    "asks for an hour's wait at most, when the service is to be asked again %s",
    async (_when, retryAt, seconds) => {
      await using app = await openFailing(framework, () => fault("token_unavailable", { retryAt }));
      const { status, headers, text } = await app.ask("/");
      expect([status, headers["retry-after"]]).toEqual([503, seconds]);
      expect(JSON.parse(text).detail).toBe(`Try again in ${seconds} s.`);
    },
  );

  it("throws a TypeError at once for an option that it does not know", () => {
    expect(() => talkdeskErrorHandler({ loginPath: "/auth/login" } as TalkdeskErrorHandlerOptions)).toThrow(
      new TypeError('talkdeskErrorHandler() has no option "loginPath".'),
    );
  });

  it("finds an error of ours beneath a client's own", async () => {
    const ours = fault("token_unavailable");
    const wrapped = new TypeError("fetch failed", { cause: new Error("deeper", { cause: ours }) });
    const copied = Object.assign(new Error("of another copy of the package"), {
      [Symbol.for("@talkdesk-oauth/error")]: true,
      code: "lock_timeout",
    });
    const failures: unknown[] = [wrapped, { cause: ours }, copied];
    await using app = await openFailing(framework, () => failures.shift());
    for (const code of ["token_unavailable", "token_unavailable", "lock_timeout"]) {
      const { status, text } = await app.ask("/");
      expect([status, JSON.parse(text).code]).toEqual([503, code]);
      expect(text).not.toContain("fetch failed");
    }
    expect(app.errors).toEqual([]);
  });

  it("passes on what is not ours, as it is", async () => {
    const circle: { cause?: unknown } = {};
    circle.cause = { cause: circle };
    const others: unknown[] = [
      new Error("of the app"),
      Object.assign(new Error("looks like one"), { code: "token_network", name: "TalkdeskError" }),
      new DOMException("gone", "AbortError"),
      new Error("with a cause", { cause: new Error("of its own") }),
      circle,
      "a text",
      7,
      { status: 404 },
    ];
    const left = [...others];
    await using app = await openFailing(framework, () => left.shift());
    for (const _ of others) expect((await app.ask("/")).text).toBe("unanswered");
    expect(app.errors).toHaveLength(others.length);
    for (const [index, error] of app.errors.entries()) expect(error).toBe(others[index]);
  });

  it("passes on what comes after the headers were sent", async () => {
    const error = fault("token_network");
    await using app = await openFailing(framework, (_request, response) => {
      response.write("half of");
      return error;
    });
    // The connection is closed: there is no other way to say that this is not all.
    await expect(app.ask("/")).rejects.toThrow();
    expect(app.errors).toHaveLength(1);
    expect(app.errors[0]).toBe(error);
  });

  it("answers HEAD with the same head and nothing else", async () => {
    await using app = await openFailing(framework, () => fault("lock_timeout"));
    for (const question of [{}, browser]) {
      const { headers: whole } = await app.ask("/", question);
      const { status, headers, text } = await app.ask("/", { ...question, method: "HEAD" });
      expect([status, text]).toEqual([503, ""]);
      for (const name of ["content-type", "content-length", "retry-after", "vary", "cache-control"]) {
        expect(headers[name]).toBe(whole[name]);
      }
    }
  });
});
