import { createHash } from "node:crypto";
import { TalkdeskError, type TalkdeskErrorCode, type TalkdeskErrorOptions } from "@talkdesk-oauth/core";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { ACCEPT, type Answer, asProgram } from "./browser.js";
import type { LoginPage } from "./login-driver.js";
import type { LoginStage, LoginStageOptions, LoginSubject } from "./login-stage.js";
import { AFTER_TOKENS_END_MS, clockAhead, grantsOf, openLoginStage } from "./login-stage.js";

/** The answer to each code. The compiler asks for one that is missing. */
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
const CODES = Object.keys(STATUS) as TalkdeskErrorCode[];

const TITLE = { 401: "Unauthorized", 502: "Bad Gateway", 503: "Service Unavailable" } as const;

/** Texts of others, which no answer may repeat. */
const OF_OTHERS: TalkdeskErrorOptions = {
  error: "upstream<error>",
  errorDescription: "upstream <script>alert(1)</script>",
  hints: ["upstream hint"],
  cause: new Error("upstream cause"),
};

const fault = (code: TalkdeskErrorCode, options: TalkdeskErrorOptions = {}): TalkdeskError =>
  new TalkdeskError(code, "upstream message", { ...OF_OTHERS, ...options });

/** A script of a page that asks for a page, so that no redirect helps it. */
const asScript = { headers: { "sec-fetch-dest": "empty" } };

/** Errors of pages, and sessions that are over. */
export function describeErrors(subject: LoginSubject): void {
  afterEach(() => void vi.useRealTimers());

  /** An app with a page that fails as a test wants. */
  async function openFailing(
    options: LoginStageOptions = {},
  ): Promise<{ stage: LoginStage; fail(by: unknown): void }> {
    let failure: unknown;
    const page: LoginPage = {
      path: "/fails",
      isProtected: false,
      answer: async () => Promise.reject(failure),
    };
    const stage = await openLoginStage(subject, { pages: [page], ...options });
    return {
      stage,
      fail: (by) => {
        failure = by;
      },
    };
  }

  describe("a TalkdeskError of a page", () => {
    it("is answered by its code, to programs and to people", async () => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      const browser = stage.browser();
      for (const code of CODES) {
        fail(fault(code));
        const status = STATUS[code];
        const expected = {
          "cache-control": "no-store",
          vary: expect.stringMatching(/\baccept\b/i),
          ...(status === 401 && { "www-authenticate": 'Bearer realm="Talkdesk"' }),
          ...(status === 503 && { "retry-after": "5" }),
        };
        const absent = ["www-authenticate", "retry-after"].filter((name) => !(name in expected));

        const problem = await browser.visit("/fails", asProgram);
        expect([code, problem.status]).toEqual([code, status]);
        expect(problem.headers).toMatchObject({ ...expected, "content-type": "application/problem+json" });
        expect(JSON.parse(problem.text)).toEqual({
          status,
          title: TITLE[status],
          detail: expect.stringMatching(/\.$/),
          code,
        });

        // As a script, since a page that a person opens leads to the login when the session is over.
        const page = await browser.visit("/fails", asScript);
        expect([code, page.status]).toEqual([code, status]);
        expect(page.headers).toMatchObject(expected);
        expect(page.headers["content-type"]).toMatch(/^text\/html; ?charset=utf-8$/i);
        expect(page.text).toMatch(/<h1>[^<]+<\/h1>\n<p>[^<]+<\/p>/);

        for (const { headers, text } of [problem, page]) {
          for (const name of absent) expect(headers[name]).toBeUndefined();
          expect(`${JSON.stringify(headers)}${text}`).not.toMatch(/upstream|script/);
        }
      }
      expect(stage.errors).toEqual([]);
    });

    it.each([
      ["a program", Object.values(ACCEPT).filter((accept) => !accept.startsWith("text/html")), /problem/],
      ["a browser", [ACCEPT.chrome, ACCEPT.firefox, ACCEPT.safari, "text/html", "text/*"], /html/],
    ])("is answered to %s in its own form", async (_who, accepts, type) => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      fail(fault("token_network"));
      for (const accept of accepts) {
        const { headers } = await stage.browser().visit("/fails", { headers: { accept } });
        expect(headers["content-type"], accept).toMatch(type);
      }
    });

    it("says after how many seconds to try again, from one to an hour", async () => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      const browser = stage.browser();
      const now = Date.UTC(2026, 0, 1);
      vi.useFakeTimers({ toFake: ["Date"], now });
      for (const [retryAt, seconds] of [
        [now + 30_000, "30"],
        [now + 30_001, "31"],
        [now + 999, "1"],
        [now, "1"],
        [now - 60_000, "1"],
        [now + 300_000, "300"],
        [now + 365 * 86_400_000, "3600"],
        [Number.POSITIVE_INFINITY, "3600"],
        [8_640_000_000_000_000 * 1_000, "3600"],
        [Number.NaN, "5"],
        [Number.NEGATIVE_INFINITY, "1"],
      ] as const) {
        for (const code of ["token_unavailable", "client_refused", "token_network"] as const) {
          fail(fault(code, { retryAt }));
          const { status, headers, text } = await browser.visit("/fails", asProgram);
          expect([retryAt, status, headers["retry-after"]]).toEqual([retryAt, 503, seconds]);
          expect(JSON.parse(text).detail).toContain(` ${seconds} s`);
        }
      }
      fail(fault("source_closed", { retryAt: now + 30_000 }));
      const over = await browser.visit("/fails", asProgram);
      expect([over.status, over.headers["retry-after"]]).toEqual([401, undefined]);
    });

    it("is found beneath the error of a client, and in another copy of the package", async () => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      const ours = fault("token_unavailable");
      for (const [error, code] of [
        [new TypeError("fetch failed", { cause: new Error("deeper", { cause: ours }) }), "token_unavailable"],
        [
          Object.assign(new Error("of another copy"), {
            [Symbol.for("@talkdesk-oauth/error")]: true,
            code: "lock_timeout",
          }),
          "lock_timeout",
        ],
      ] as const) {
        fail(error);
        const { status, text } = await stage.browser().visit("/fails", asProgram);
        expect([status, JSON.parse(text).code]).toEqual([503, code]);
        expect(text).not.toContain("fetch failed");
      }
      expect(stage.errors).toEqual([]);
    });

    it("has the same head in an answer to HEAD, and no body", async () => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      fail(fault("lock_timeout"));
      const browser = stage.browser();
      for (const visit of [asProgram, {}]) {
        const whole = await browser.visit("/fails", visit);
        const head = await browser.visit("/fails", { ...visit, method: "HEAD" });
        expect([head.status, head.text]).toEqual([503, ""]);
        for (const name of ["content-type", "retry-after", "vary", "cache-control"]) {
          expect(head.headers[name]).toBe(whole.headers[name]);
        }
      }
    });
  });

  it("of another kind goes to the app's own handler, as it is", async () => {
    const { stage, fail } = await openFailing();
    await using _end = stage;
    const circle: Error & { cause?: unknown } = new Error("its own cause");
    circle.cause = { cause: circle };
    const others = [
      new Error("of the app"),
      Object.assign(new Error("looks like one"), { code: "token_network", name: "TalkdeskError" }),
      new DOMException("gone", "AbortError"),
      new Error("with a cause", { cause: new Error("of its own") }),
      circle,
    ];
    for (const error of others) {
      fail(error);
      expect((await stage.browser().visit("/fails")).status).toBe(500);
    }
    expect(stage.errors).toHaveLength(others.length);
    for (const [index, error] of stage.errors.entries()) expect(error).toBe(others[index]);
  });

  describe("a page for people", () => {
    let stage: LoginStage;
    const pages: Answer[] = [];
    beforeAll(async () => {
      const failing = await openFailing();
      stage = failing.stage;
      const browser = stage.browser();
      pages.push(await browser.visit("/me", { method: "POST" }));
      failing.fail(fault("source_closed"));
      pages.push(await browser.visit("/fails"));
      failing.fail(fault("lock_timeout"));
      pages.push(
        await browser.visit("/fails"),
        await browser.visit("/auth/callback"),
        await browser.visit("/auth/login", { method: "POST" }),
      );
    });
    afterAll(() => stage[Symbol.asyncDispose]());

    it("is HTML, each with its status", () => {
      expect(pages.map(({ status }) => status)).toEqual([401, 401, 503, 400, 405]);
      for (const { headers } of pages)
        expect(headers["content-type"]).toMatch(/^text\/html; ?charset=utf-8$/i);
    });

    it("has a policy that allows its own style and nothing else", () => {
      for (const { headers, text } of pages) {
        const [, style = ""] = /<style>([^<]+)<\/style>/.exec(text) ?? [];
        const hash = createHash("sha256").update(style).digest("base64");
        expect(headers["content-security-policy"]).toBe(
          `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
        );
        expect(headers["x-content-type-options"]).toBe("nosniff");
        expect(headers["cache-control"]).toBe("no-store");
        expect(text).not.toMatch(
          /<(script|link|img|iframe|form|object|base)\b|\bstyle=|\bon\w+=|url\(|@import/i,
        );
      }
    });

    it("can be read aloud, on a phone and in the dark", () => {
      for (const { text } of pages) {
        expect(text).toMatch(/^<!doctype html>\n<html lang="en">\n/);
        expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1">');
        expect(text).toContain("color-scheme:light dark");
        const [, title] = /<title>([^<]+)<\/title>/.exec(text) ?? [];
        expect(text.match(/<h1>[^<]+<\/h1>/g)).toEqual([`<h1>${title}</h1>`]);
        expect(text.match(/<main>/g)).toHaveLength(1);
      }
    });

    it("is not for search engines", () => {
      for (const { text } of pages) expect(text).toContain('<meta name="robots" content="noindex">');
    });
  });

  describe("a session that is over", () => {
    it("links to the login, and back to a page that can be opened again", async () => {
      const { stage, fail } = await openFailing();
      await using _end = stage;
      const linkOf = async (path: string, method: string): Promise<string | undefined> =>
        /<a href="([^"]+)">Sign in again<\/a>/.exec(
          (await stage.browser().visit(path, { method })).text,
        )?.[1];
      fail(fault("source_closed"));
      expect(await linkOf("/fails?a=1", "GET")).toBe("/auth/login?returnTo=%2Ffails%3Fa%3D1");
      expect(await linkOf("/fails?a=1", "POST")).toBe("/auth/login");
      expect(await linkOf("/fails?talkdesk_installation_id=i", "GET")).toBe(
        "/auth/login?returnTo=%2Ffails%3Ftalkdesk_installation_id%3Di&amp;talkdesk_installation_id=i",
      );
      fail(fault("token_network"));
      expect(await linkOf("/fails", "GET")).toBeUndefined();
      fail(fault("source_closed"));
      expect((await stage.browser().visit("/fails", asProgram)).text).not.toContain("/auth/login");
    });

    it("leads a browser to the login from the first page on, and back; a program gets 401", async () => {
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      await browser.signIn();
      expect((await browser.visit("/me")).status).toBe(200);
      stage.talkdesk.tokens.revoke();
      const page = await browser.visit("/me?a=1");
      expect([page.status, page.to]).toEqual([302, "/auth/login?returnTo=%2Fme%3Fa%3D1"]);
      expect(page.headers["cache-control"]).toBe("no-store");
      expect(page.headers.vary).toMatch(/\baccept\b/i);
      const calls = stage.talkdesk.requests.to("api").length;

      // Every later page, too, without a call of the API.
      expect((await browser.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
      const navigation = await browser.visit("/me", { headers: { "sec-fetch-dest": "document" } });
      expect(navigation.to).toBe("/auth/login?returnTo=%2Fme");
      const script = await browser.visit("/me", asScript);
      expect([script.status, script.to]).toEqual([401, undefined]);
      expect(script.text).toContain('<a href="/auth/login">Sign in again</a>');
      const program = await browser.visit("/me", asProgram);
      expect([program.status, program.to]).toEqual([401, undefined]);
      expect(program.headers["www-authenticate"]).toBe('Bearer realm="Talkdesk"');
      expect(JSON.parse(program.text)).toMatchObject({ status: 401, code: "reauthentication_required" });
      expect(stage.talkdesk.requests.to("api")).toHaveLength(calls);
      expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);

      expect((await browser.signIn("?returnTo=/me%3Fa%3D1")).to).toBe("/me?a=1");
      expect((await browser.visit("/me?a=1")).status).toBe(200);
      expect(stage.tokens.records.size).toBe(1);
      expect(stage.errors).toEqual([]);
    });

    it("sends its refresh token once, however many requests follow", async () => {
      const clock = clockAhead();
      await using stage = await openLoginStage(subject, { client: { clock } });
      const browser = stage.browser();
      await browser.signIn();
      stage.talkdesk.tokens.revoke();
      clock.aheadMs = AFTER_TOKENS_END_MS;
      for (let visit = 0; visit < 3; visit++) {
        const answer = await browser.visit("/me", asProgram);
        expect([answer.status, JSON.parse(answer.text).code]).toEqual([401, "reauthentication_required"]);
      }
      expect(grantsOf(stage)).toEqual(["authorization_code", "refresh_token"]);
    });

    it("shows a page after three logins within a minute each that did not help, and no loop", async () => {
      const begunAt = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now: begunAt });
      await using stage = await openLoginStage(subject);
      const browser = stage.browser();
      for (let login = 1; login <= 2; login++) {
        await browser.signIn("?returnTo=/me");
        stage.talkdesk.tokens.revoke();
        expect([login, (await browser.visit("/me")).to]).toEqual([login, "/auth/login?returnTo=%2Fme"]);
      }
      await browser.signIn("?returnTo=/me");
      stage.talkdesk.tokens.revoke();
      const page = await browser.visit("/me");
      expect([page.status, page.to]).toEqual([401, undefined]);
      expect(page.text).toContain('<a href="/auth/login?returnTo=%2Fme">Sign in again</a>');
      vi.setSystemTime(begunAt + 60_000);
      expect((await browser.visit("/me")).to).toBe("/auth/login?returnTo=%2Fme");
    });
  });
}
