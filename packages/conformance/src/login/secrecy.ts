import { inspect } from "node:util";
import {
  clientCredentials,
  clientSecretBasic,
  encryptedStore,
  type TokenEvent,
  talkdeskClient,
} from "@talkdesk-oauth/core";
import { expect, it, onTestFinished, vi } from "vitest";
import type { Answer, Browser } from "./browser.js";
import type { LoginPage } from "./login-driver.js";
import type { LoginSubject } from "./login-stage.js";
import {
  AFTER_TOKENS_END_MS,
  clockAhead,
  codeOf,
  openLoginStage,
  sessionTexts,
  signOut,
} from "./login-stage.js";
import { watchedStore } from "./watched-store.js";

const STORE_SECRET = "store-secret-canary-of-32-characters-or-more";
const CLIENT_SECRET = "client-secret-canary-of-32-characters";
const MACHINE_TOKEN = "machine-token-canary-of-32-characters";

/** A secret, and where a session may hold it. */
type Kind = "secret" | "of a pending login" | "session cookie";

/** Secrets reach no place where somebody could read them. */
export function describeSecrecy(subject: LoginSubject): void {
  it("reaches no answer, error, event, log, inspection or store that it is not for", async () => {
    const written = captureOutput();
    const clock = clockAhead();
    const events: TokenEvent[] = [];
    const thrown: unknown[] = [];
    const records = watchedStore();
    const errorPage: LoginPage = {
      path: "/errors",
      isProtected: true,
      async answer({ talkdesk }) {
        await talkdesk?.getToken().catch((error: unknown) => {
          thrown.push(error);
          throw error;
        });
        return { status: 200, body: null };
      },
    };
    await using stage = await openLoginStage(subject, {
      pages: [errorPage],
      login: (talkdesk, redirectUri) => {
        const { clientId } = talkdesk.clients.add({
          clientSecret: CLIENT_SECRET,
          redirectUris: [redirectUri],
        });
        const client = talkdeskClient({
          endpoints: talkdesk.endpoints(),
          authentication: clientSecretBasic({ clientId, clientSecret: CLIENT_SECRET }),
          clock,
        });
        return {
          client,
          pkce: true,
          endTalkdeskSession: clientCredentials(client, { scope: "user-session-public:end" }),
          store: encryptedStore(records, STORE_SECRET),
          onEvent: (event) => void events.push(event),
        };
      },
    });
    const browser = stage.browser();
    const secrets = new Map<string, Kind>([
      [STORE_SECRET, "secret"],
      [CLIENT_SECRET, "secret"],
      [MACHINE_TOKEN, "secret"],
    ]);
    const answers: string[] = [];
    const stored: string[] = [];
    const afterLogins: string[] = [];
    const issued: Record<string, unknown>[] = [];
    const issuing = stage.talkdesk.faults.add({
      at: "token",
      times: Number.POSITIVE_INFINITY,
      patch: (body) => {
        issued.push({ ...body });
        return body;
      },
    });

    /** Keeps the answer, without the two secrets that belong to its receiver: the way to Talkdesk, and the cookie. */
    async function visit(address: string, by: Browser = browser): Promise<Answer> {
      const answer = await by.visit(address);
      const { "set-cookie": _own, location = "", ...headers } = answer.headers;
      const isWayThere = location.includes("/oauth/authorize");
      answers.push(JSON.stringify(headers), isWayThere ? "" : `${location}\n${answer.text}`);
      stored.push(...records.records.values());
      for (const value of by.cookies.values()) secrets.set(value, "session cookie");
      return answer;
    }
    async function begin(): Promise<{ readonly callback: string; readonly query: URLSearchParams }> {
      const { to = "" } = await visit("/auth/login?returnTo=/me");
      const parameters = new URL(to).searchParams;
      for (const name of ["state", "nonce"]) {
        secrets.set(parameters.get(name) ?? "none", "of a pending login");
      }
      const callback = (await browser.visit(to)).to ?? "";
      const query = new URL(callback, stage.origin).searchParams;
      secrets.set(query.get("code") ?? "none", "secret");
      return { callback, query };
    }

    // A login that goes well.
    const good = await begin();
    expect((await visit(good.callback)).to).toBe("/me");
    expect((await visit("/me")).status).toBe(200);
    afterLogins.push(...sessionTexts(stage));
    // One in another browser, one with a used code, and one that is denied in words that repeat secrets.
    expect((await visit(good.callback, stage.browser())).status).toBe(400);
    const used = await begin();
    await visit(used.callback.replace(/code=[^&]+/, `code=${good.query.get("code")}`));
    const denied = await begin();
    const parameters = new URLSearchParams(denied.query);
    parameters.set("error", "server_error");
    parameters.set("error_description", `${denied.query.get("code")} ${denied.query.get("state")}`);
    expect((await visit(`/auth/callback?${parameters}`)).status).toBe(502);
    await visit("/auth/callback?state=none&code=none");

    // A refresh that goes well, a login whose answer is lost, and a refresh that is refused in words that repeat the token.
    clock.aheadMs = AFTER_TOKENS_END_MS;
    expect((await visit("/me")).status).toBe(200);
    const lost = await begin();
    issuing.remove();
    stage.talkdesk.faults.add({ at: "token", lose: true });
    await visit(lost.callback);
    stage.talkdesk.faults.add({
      at: "token",
      times: 5,
      respond: {
        status: 400,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          error: "invalid_grant",
          error_description: `refused: ${issued.at(-1)?.["refresh_token"]} of ${CLIENT_SECRET}`,
        }),
      },
    });
    clock.aheadMs = 2 * AFTER_TOKENS_END_MS;
    await visit("/errors");
    await visit("/me");
    records.behave = async () => {
      throw new Error(`redis://user:${STORE_SECRET}@host is down`);
    };
    await visit("/errors");
    // A logout that fails at both ends. Talkdesk refuses its part in words that repeat the token.
    stage.talkdesk.faults.clear();
    stage.talkdesk.faults.add({ at: "token", times: 2, patch: { access_token: MACHINE_TOKEN } });
    stage.talkdesk.faults.add({ at: "session", times: 2, patch: { error: `refused: ${MACHINE_TOKEN}` } });
    const halfLogout = await signOut(browser);
    expect(codeOf(halfLogout)).toBe("token_refused");
    expect(halfLogout.text).toContain("Talkdesk said: refused: ");
    answers.push(JSON.stringify(halfLogout.headers), halfLogout.text);

    for (const body of issued) {
      for (const name of ["access_token", "refresh_token", "id_token"]) {
        if (typeof body[name] === "string") secrets.set(body[name], "secret");
      }
    }
    for (const { form } of stage.talkdesk.requests.to("token")) {
      const verifier = form.get("code_verifier");
      if (verifier !== null) secrets.set(verifier, "of a pending login");
    }

    expect(issued.length).toBeGreaterThanOrEqual(2);
    expect(events.length).toBeGreaterThanOrEqual(6);
    expect(thrown.length).toBeGreaterThanOrEqual(1);
    expect(stage.errors).toEqual([]);
    // Three of the test; for four logins a state, a nonce and a code; a verifier, two sets of tokens, cookies.
    expect(secrets.size).toBeGreaterThan(20);
    const channels = {
      answers,
      events: events.map(shown),
      "errors of a page": thrown.map(shown),
      "the token store": stored,
      "what is written": written.map(shown),
      "what is inspected": stage.parts.map(shown),
    };
    for (const [secret, kind] of secrets) {
      expect(secret.length, secret).toBeGreaterThan(15);
      for (const [channel, texts] of Object.entries(channels)) {
        expect(texts.join("\n").includes(secret), `${secret} in ${channel}`).toBe(false);
      }
      if (kind === "secret")
        expect(afterLogins.join("\n").includes(secret), `${secret} in a session`).toBe(false);
    }
  });
}

/** Collects what is written to the console, the standard streams and warnings during a test, with debugging on. */
function captureOutput(): unknown[] {
  const written: unknown[] = [];
  vi.stubEnv("DEBUG", "*");
  vi.stubEnv("NODE_DEBUG", "*");
  for (const name of ["log", "info", "warn", "error", "debug", "trace"] as const) {
    vi.spyOn(console, name).mockImplementation((...args) => void written.push(args));
  }
  for (const stream of [process.stdout, process.stderr]) {
    vi.spyOn(stream, "write").mockImplementation((chunk) => written.push(String(chunk)) > 0);
  }
  const note = (warning: Error): void => void written.push(warning);
  process.on("warning", note);
  onTestFinished(() => {
    process.off("warning", note);
    vi.restoreAllMocks();
    vi.unstubAllEnvs();
  });
  return written;
}

/** The text that the common ways to print a value show of it and its members. */
function shown(value: unknown): string {
  const seen = new Set<unknown>();
  const parts: string[] = [];
  const visit = (each: unknown): void => {
    if (seen.has(each) || ((typeof each !== "object" || each === null) && typeof each !== "function")) {
      parts.push(String(each));
      return;
    }
    seen.add(each);
    parts.push(inspect(each, { depth: Number.POSITIVE_INFINITY, showHidden: true }));
    try {
      parts.push(String(each), JSON.stringify(each) ?? "");
    } catch {
      // Some have no text, and some go in circles.
    }
    for (const name of Reflect.ownKeys(each)) visit(Object.getOwnPropertyDescriptor(each, name)?.value);
  };
  visit(value);
  return parts.join("\n");
}
