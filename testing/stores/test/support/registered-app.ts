import { setTimeout as sleep } from "node:timers/promises";
import {
  type AccessToken,
  type ClosableTokenSource,
  clientCredentials,
  clientSecretBasic,
  requestToken,
  type TalkdeskClient,
  type TokenEvent,
  type TokenStore,
  talkdeskClient,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import type { Emulator, RequestRecord } from "@talkdesk-oauth/emulator";
import { expect } from "vitest";

const REDIRECT_URI = "https://app.example/callback";

/** Longer than a token lives. */
const LIFETIME_MS = 600_000;

/** A time limit that a store which works never needs, on a busy machine either. */
const AMPLE_MS = 60_000;

export interface SourceOptions {
  readonly store: TokenStore;
  /** Default: one name for all sources of the app. */
  readonly key?: string;
  /** Default: a minute. */
  readonly timeoutMs?: number;
  readonly token?: AccessToken;
}

/** An app that is registered at the emulator. Each source that it opens stands for a process of its own. */
export interface RegisteredApp {
  /** What all its sources have reported. */
  readonly events: readonly TokenEvent[];
  /** A user logs in. */
  logIn(): Promise<AccessToken>;
  openSession(options: SourceOptions): UserSession;
  openProgram(options: SourceOptions): ClosableTokenSource;
  /** Lets time pass for all sources, without waiting for it. */
  passTime(ms: number): void;
  /** Lets so much time pass that every token issued so far has expired. */
  expireTokens(): void;
  /** Settles as a call does whose time limit runs out, of sources with the default one. */
  runOutOfTime<T>(call: Promise<T>): Promise<T>;
  /** Its token requests with a grant, as the emulator has received them. */
  requests(grantType: "refresh_token" | "client_credentials"): readonly RequestRecord[];
  /** Keeps the next answer of the token endpoint from its source, until that is released. */
  holdAnswer(): HeldAnswer;
}

interface HeldAnswer {
  /** Resolves when the token endpoint has answered: a refresh token is used up then. */
  readonly isThere: Promise<void>;
  release(): void;
}

export function registerApp(talkdesk: Emulator): RegisteredApp {
  const { clientId, clientSecret } = talkdesk.clients.add({ redirectUris: [REDIRECT_URI] });
  const authentication = clientSecretBasic({ clientId, clientSecret });
  const authorization = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
  const events: TokenEvent[] = [];
  const onEvent = (event: TokenEvent): void => void events.push(event);
  let hold: (() => Promise<void>) | undefined;
  const fetchHeld: TalkdeskClient["fetch"] = async (url, init) => {
    const response = await fetch(url, init as RequestInit);
    await hold?.();
    return response;
  };
  let passedMs = 0;
  const timers = new Map<unknown, { readonly callback: () => void; readonly dueAt: number }>();
  const clock: TalkdeskClient["clock"] = {
    now: () => Date.now() + passedMs,
    monotonic: () => performance.now() + passedMs,
    setTimeout(callback, delayMs) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, delayMs);
      timers.set(timer, { callback, dueAt: performance.now() + passedMs + delayMs });
      return timer;
    },
    clearTimeout(timer) {
      timers.delete(timer);
      clearTimeout(timer as NodeJS.Timeout);
    },
  };
  const passTime = (ms: number): void => {
    passedMs += ms;
    for (const [timer, { callback, dueAt }] of [...timers]) {
      if (dueAt > performance.now() + passedMs || !timers.delete(timer)) continue;
      clearTimeout(timer as NodeJS.Timeout);
      callback();
    }
  };
  const clientOf = (timeoutMs = AMPLE_MS): TalkdeskClient =>
    talkdeskClient({ endpoints: talkdesk.endpoints(), authentication, clock, timeoutMs, fetch: fetchHeld });
  const requests: RegisteredApp["requests"] = (grantType) =>
    talkdesk.requests
      .to("token")
      .filter(
        ({ headers, form }) =>
          headers["authorization"] === authorization && form.get("grant_type") === grantType,
      );
  return {
    events,
    async logIn() {
      const { code } = await talkdesk.authorize({ clientId, redirectUri: REDIRECT_URI });
      return requestToken(clientOf(), { grant_type: "authorization_code", code, redirect_uri: REDIRECT_URI });
    },
    openSession: ({ timeoutMs, key = "session", ...options }) =>
      userSession(clientOf(timeoutMs), { key, onEvent, ...options }),
    openProgram: ({ timeoutMs, key = "program", ...options }) =>
      clientCredentials(clientOf(timeoutMs), { key, onEvent, ...options }),
    passTime,
    expireTokens: () => passTime(LIFETIME_MS),
    async runOutOfTime(call) {
      let isSettled = false;
      const note = (): void => {
        isSettled = true;
      };
      call.then(note, note);
      // Something that arrives at the same time gives a call its whole time again.
      while (!isSettled) {
        passTime(AMPLE_MS);
        for (let turn = 0; turn < 20 && !isSettled; turn += 1) await sleep(50);
      }
      return call;
    },
    requests,
    holdAnswer() {
      let noteAnswer = (): void => {};
      const isThere = new Promise<void>((resolve) => {
        noteAnswer = resolve;
      });
      let release = (): void => {};
      const isReleased = new Promise<void>((resolve) => {
        release = resolve;
      });
      hold = async () => {
        hold = undefined;
        noteAnswer();
        await isReleased;
      };
      return { isThere, release };
    },
  };
}

/**
 * Checks the emulator's whole log: every secret has gone to the token endpoint only, each refresh token by the app that it
 * was given to, and once.
 *
 * @param sentAgain How many refresh tokens a test has had sent twice, by bringing back old data.
 */
export function expectSecretsInPlace(talkdesk: Emulator, { sentAgain = 0 } = {}): void {
  const senders = new Map<string, string[]>();
  for (const { to, headers, form, status } of talkdesk.requests.all) {
    if (to === "authorize") continue;
    expect(to).toBe("token");
    const refreshToken = form.get("refresh_token");
    if (refreshToken === null) continue;
    senders.set(refreshToken, [...(senders.get(refreshToken) ?? []), headers["authorization"] ?? ""]);
    expect([200, 400]).toContain(status);
  }
  const all = [...senders.values()];
  expect(all.filter((apps) => new Set(apps).size > 1)).toEqual([]);
  expect(all.filter((apps) => apps.length > 1)).toHaveLength(sentAgain);
  expect(all.length).toBeGreaterThan(0);
}
