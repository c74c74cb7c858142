import { inspect } from "node:util";
import { clientSecretBasic, encryptedStore, type TokenEvent, talkdeskClient } from "@talkdesk-oauth/core";
import type { TalkdeskLogin } from "@talkdesk-oauth/express";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Browser } from "./support/browser.js";
import { clockAhead } from "./support/clock-ahead.js";
import { type LoginStage, openLoginStage, openSecondStage, sessionsOf } from "./support/login-stage.js";

const COOKIE_SECRET = "cookie-secret-canary";
const STORE_SECRET = "store-secret-canary-of-32-characters-or-more";
const CLIENT_SECRET = "client-secret-canary-of-32-characters";

/** All that may be seen by somebody, under the name of where. */
type Channels = Record<string, string>;

/** Everything that any common way to show a value shows of it. */
function shown(value: unknown): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  const visit = (each: unknown): void => {
    if (seen.has(each) || ((typeof each !== "object" || each === null) && typeof each !== "function")) {
      parts.push(String(each));
      return;
    }
    seen.add(each);
    parts.push(inspect(each, { depth: Number.POSITIVE_INFINITY, showHidden: true }), String(each));
    try {
      parts.push(JSON.stringify(each) ?? "");
    } catch {
      // Some go in circles.
    }
    for (const name of Reflect.ownKeys(each)) {
      const { value: own } = Object.getOwnPropertyDescriptor(each, name) ?? {};
      visit(own);
    }
  };
  visit(value);
  return parts.join("\n");
}

describe("a secret", () => {
  let stage: LoginStage;
  let encrypted: LoginStage;
  let login: TalkdeskLogin;
  const clock = clockAhead();
  const written: string[] = [];
  const events: TokenEvent[] = [];
  const told: unknown[] = [];
  const stores: string[] = [];

  beforeEach(async () => {
    vi.stubEnv("DEBUG", "*");
    vi.stubEnv("NODE_DEBUG", "*");
    clock.aheadMs = 0;
    for (const list of [written, events, told, stores]) list.length = 0;
    for (const name of ["log", "info", "warn", "error", "debug", "trace"] as const) {
      vi.spyOn(console, name).mockImplementation((...args) => void written.push(shown(args)));
    }
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
    }
    process.on("warning", note);
    stage = await openLoginStage();
    encrypted = await openSecondStage(stage, {
      publicOrigin: stage.origin,
      session: { secret: COOKIE_SECRET },
      login: (_talkdesk, redirectUri) => {
        const { clientId } = stage.talkdesk.clients.add({
          clientSecret: CLIENT_SECRET,
          redirectUris: [redirectUri],
        });
        return {
          client: talkdeskClient({
            endpoints: stage.talkdesk.endpoints(),
            authentication: clientSecretBasic({ clientId, clientSecret: CLIENT_SECRET }),
            clock,
          }),
          pkce: true,
          store: encryptedStore(stage.tokens, STORE_SECRET),
          onEvent: (event) => void events.push(event),
          onError: (error, request, response, next) => {
            told.push(error);
            if (request.query["page"] === undefined) next(error);
            else response.status(400).end();
          },
        };
      },
    });
    ({ login } = encrypted);
  });
  const note = (warning: Error): void => void written.push(shown(warning));
  afterEach(async () => {
    process.off("warning", note);
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
    await encrypted[Symbol.asyncDispose]();
    await stage[Symbol.asyncDispose]();
  });

  /** What the login answered, but for where a secret belongs: the way to Talkdesk, and the cookie of its owner. */
  const answers: string[] = [];
  async function visit(browser: Browser, address: string, options = {}) {
    const page = await browser.visit(address, options);
    const { "set-cookie": _own, location = "", ...headers } = page.headers;
    const isWayThere = location.includes("/oauth/authorize");
    answers.push(JSON.stringify(headers), isWayThere ? "" : `${location}\n${page.text}`);
    stores.push(JSON.stringify([...stage.tokens.records.values()]));
    return page;
  }

  it("reaches no answer, error, event, log, inspection or store that it is not for", async () => {
    answers.length = 0;
    const browser = encrypted.browser();
    const secrets = new Map<string, string>([
      ["cookie secret", COOKIE_SECRET],
      ["store secret", STORE_SECRET],
      ["client secret", CLIENT_SECRET],
    ]);
    const issued: Record<string, unknown>[] = [];
    const sessionTexts: string[] = [];
    const kept = stage.talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      patch: (body) => {
        issued.push({ ...body });
        return body;
      },
    });

    // A login that goes well, one with a code that is used, one that is denied in words that repeat secrets.
    const begin = async (): Promise<{ state: string; callback: string; query: URLSearchParams }> => {
      const begun = await visit(browser, "/auth/login?returnTo=/me");
      const parameters = new URL(begun.to ?? "").searchParams;
      for (const name of ["state", "nonce"])
        secrets.set(`${name} ${secrets.size}`, parameters.get(name) ?? "");
      const pending = JSON.stringify(sessionsOf(encrypted));
      for (const [, verifier = ""] of pending.matchAll(/"codeVerifier":"([^"]+)"/g)) {
        secrets.set(`verifier ${secrets.size}`, verifier);
      }
      const back = new URL((await browser.visit(begun.to ?? "")).to ?? "");
      secrets.set(`code ${secrets.size}`, back.searchParams.get("code") ?? "");
      return {
        state: parameters.get("state") ?? "",
        callback: `${back.pathname}${back.search}`,
        query: back.searchParams,
      };
    };
    const noteCookies = (): void => {
      for (const value of browser.cookies.values()) {
        secrets.set(`cookie ${secrets.size}`, value);
        secrets.set(`session id ${secrets.size}`, decodeURIComponent(value).slice(2).split(".")[0] ?? "");
      }
    };

    const good = await begin();
    noteCookies();
    expect((await visit(browser, good.callback)).to).toBe("/me");
    noteCookies();
    expect((await visit(browser, "/me")).status).toBe(200);
    sessionTexts.push(JSON.stringify(sessionsOf(encrypted)));
    expect((await visit(encrypted.browser(), good.callback)).status).toBe(502);

    const used = await begin();
    const usedCode = good.query.get("code") ?? "";
    await visit(browser, used.callback.replace(/code=[^&]+/, `code=${usedCode}`));
    const denied = await begin();
    const echo = `${denied.query.get("code")} ${denied.state}`;
    await visit(
      browser,
      `/auth/callback?${new URLSearchParams({ state: denied.state, error: "server_error", error_description: echo, code: denied.query.get("code") ?? "" })}`,
    );
    await visit(browser, "/auth/callback?state=none&code=none&page=1");

    // Refreshes: one that goes well, one that is refused in words that repeat the token sent.
    clock.aheadMs = 700_000;
    expect((await visit(browser, "/me")).status).toBe(200);
    sessionTexts.push(JSON.stringify(sessionsOf(encrypted)));
    const failed = await begin();
    kept.remove();
    stage.talkdesk.faults.add({ at: "token", lose: true });
    await visit(browser, failed.callback);
    const last = issued.at(-1) ?? {};
    stage.talkdesk.faults.add({
      at: "token",
      times: 5,
      respond: {
        status: 400,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          error: "invalid_grant",
          error_description: `refused: ${last["refresh_token"]} of ${CLIENT_SECRET}`,
        }),
      },
    });
    clock.aheadMs = 1_400_000;
    expect((await visit(browser, "/me")).status).toBe(401);
    stage.tokens.behave = async () => {
      throw new Error(`redis://user:${STORE_SECRET}@host is down`);
    };
    await visit(browser, "/me");
    await visit(browser, "/auth/logout", { method: "POST" });
    expect(issued.length).toBeGreaterThanOrEqual(2);
    for (const body of issued) {
      for (const name of ["access_token", "refresh_token", "id_token"]) {
        const value = body[name];
        if (typeof value === "string") secrets.set(`${name} ${secrets.size}`, value);
      }
    }

    const channels: Channels = {
      answers: answers.join("\n"),
      "errors told to onError": told.map(shown).join("\n"),
      "errors given to next": encrypted.errors.map(shown).join("\n"),
      events: events.map(shown).join("\n"),
      "the store of tokens": stores.join("\n"),
      "what is written": written.join("\n"),
      "what is inspected": [login, login.source, login.user].map(shown).join("\n"),
    };
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(events.length).toBeGreaterThanOrEqual(6);
    for (const [name, secret] of secrets) {
      expect(secret.length, name).toBeGreaterThan(15);
      for (const [channel, text] of Object.entries(channels)) {
        expect(text.includes(secret), `${name} in ${channel}`).toBe(false);
      }
    }
    // Sessions hold what a login needs until it is back, and never what it brings.
    for (const text of sessionTexts) {
      for (const [name, secret] of secrets) {
        const isForLater = /^(state|nonce|verifier|session id)/.test(name);
        if (!isForLater) expect(text.includes(secret), `${name} in a session`).toBe(false);
      }
      expect(text).not.toContain("codeVerifier");
    }
    // The search itself finds what is there.
    expect(sessionsOf(encrypted).length).toBeLessThanOrEqual(1);
    expect([...secrets.keys()].map((name) => name.replace(/ \d+$/, ""))).toEqual(
      expect.arrayContaining([
        "state",
        "nonce",
        "verifier",
        "code",
        "cookie",
        "access_token",
        "refresh_token",
        "id_token",
      ]),
    );
  });
});
