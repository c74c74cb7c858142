import {
  type AccessToken,
  type Clock,
  isTalkdeskError,
  type TalkdeskClient,
  TalkdeskError,
  type TokenEvent,
  type TokenRequest,
  type TokenSource,
  type TokenStore,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { isWithin, unlessAborted } from "./bounded-wait.js";

/** Options that all sign-ins of one login share. */
export interface UserSessionsOptions {
  readonly store: TokenStore;
  /** The clock of sign-ins whose client is not known yet. Default: the platform's. */
  readonly clock?: Clock | undefined;
  readonly maxIdleMs?: number | undefined;
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

/** The users whose tokens this process holds: one object for each sign-in, whichever request asks. */
export interface UserSessions {
  /** A source for a sign-in, unless it has ended. `clientOf` is asked for its client unless that is known. */
  source(
    key: string,
    clientOf: () => TalkdeskClient | Promise<TalkdeskClient>,
  ): Promise<TokenSource | undefined>;
  /**
   * True while the token store has the sign-in. The store is asked at most every ten seconds for each sign-in; a store
   * that fails, or hangs for two seconds, signs nobody out. False at once for a sign-in that was ended here.
   */
  isSignedIn(key: string): Promise<boolean>;
  /** True when a sign-in was ended here, or the store no longer had it when it was last asked. */
  isEnded(key: string): boolean;
  /**
   * True for one caller in all processes that share the store, false for every other one within a minute. A store that
   * fails or hangs is no obstacle: then several may hear true.
   */
  claim(name: string): Promise<boolean>;
  /** Stores the token of a login. Rejects as `getToken` does. */
  add(key: string, client: TalkdeskClient, token: AccessToken): Promise<void>;
  /**
   * Ends a sign-in, here and in the store. Never rejects, and takes two seconds at most: what is left is done in the
   * background, and what fails is an event.
   */
  end(key: string): Promise<void>;
}

interface Entry {
  readonly session: UserSession;
  readonly client: TalkdeskClient;
  /** False for a login whose token could not be written yet: the store does not have it, and it has not ended. */
  isStored: boolean;
  /** How many callers wait for its token. */
  waiting: number;
  /** True when the service refused its client: the app may have new credentials by now. */
  isClientRefused: boolean;
  /** When it was opened with this client, by the client's monotonic clock. */
  readonly openedAt: number;
}

/** One question to the store: is this person still signed in? */
interface Check {
  readonly wall: number;
  readonly monotonic: number;
  /** Resolves when the answer is known, or cannot be had. */
  readonly done: Promise<void>;
}

/** How many sessions that nobody waits for stay in memory; the least recently used are read from the store again. */
const MAX_IDLE = 1_000;

/** Remembers the last 10,000 sign-outs, so that requests already running cannot revive a session. */
const MAX_ENDED = 10_000;

/** How many answers of the store are remembered. */
const MAX_CHECKS = 10_000;

/** How long an answer of the store holds. */
const CHECK_INTERVAL_MS = 10_000;

const STORE_PATIENCE_MS = 2_000;

/** When a removal that has failed is tried again. What is left after that expires by itself. */
const REMOVAL_PAUSES_MS: readonly number[] = [1_000, 5_000, 25_000, 125_000, 625_000];

/** Longer than two processes can be apart that got the same request. */
const CLAIM_MS = 60_000;

/** The least time between two clients of one session, so that a client that is always refused closes the gate. */
const REPLACEMENT_PAUSE_MS = 1_000;

/** Holds the tokens of everybody who is signed in by one login. */
export function userSessions(options: UserSessionsOptions): UserSessions {
  const { store, maxIdleMs, onEvent } = options;
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  /** First to end first. */
  const ended = new Set<string>();
  /** First asked first. */
  const checks = new Map<string, Check>();

  function open(key: string, client: TalkdeskClient, token?: AccessToken): Entry {
    if (ended.has(key)) throw signedOut();
    const known = entries.get(key);
    const entry = known ?? newEntry(key, client, token);
    entries.delete(key);
    entries.set(key, entry);
    if (known === undefined) makeRoom(entry);
    return entry;
  }

  function newEntry(key: string, client: TalkdeskClient, token: AccessToken | undefined): Entry {
    const watched: TokenStore = {
      read: (name) => store.read(name),
      delete: (name) => store.delete(name),
      lock: (name, options) => store.lock(name, options),
      async write(name, value, options) {
        const version = await store.write(name, value, options);
        if (version) entry.isStored = true;
        return version;
      },
    };
    const entry: Entry = {
      session: userSession(client, {
        store: watched,
        key,
        ...(token && { token }),
        ...(maxIdleMs !== undefined && { maxIdleMs }),
        ...(onEvent && { onEvent }),
      }),
      client,
      isStored: token === undefined,
      waiting: 0,
      isClientRefused: false,
      openedAt: clockOf(client).monotonic(),
    };
    return entry;
  }

  async function isSignedIn(key: string): Promise<boolean> {
    if (!ended.has(key)) {
      const clock = clockOf(entries.get(key)?.client ?? options);
      const last = checks.get(key);
      const isRecent =
        last !== undefined &&
        isWithinInterval(clock.now() - last.wall) &&
        isWithinInterval(clock.monotonic() - last.monotonic);
      await (isRecent ? last : check(key, clock)).done;
    }
    return !ended.has(key);
  }

  function check(key: string, clock: Pick<Clock, "now" | "monotonic">): Check {
    const answer = (async () => {
      const found = await store.read(key);
      if (found !== undefined || entries.get(key)?.isStored === false) return;
      noteEnd(key)
        ?.session.close()
        .catch(() => {});
    })();
    // A store that fails says nothing about who is signed in. An answer that comes late still counts.
    const done = isWithin(
      STORE_PATIENCE_MS,
      answer.catch(() => {}),
    );
    return noteCheck(
      key,
      clock,
      done.then(() => {}),
    );
  }

  function noteCheck(key: string, clock: Pick<Clock, "now" | "monotonic">, done: Promise<void>): Check {
    const noted = { wall: clock.now(), monotonic: clock.monotonic(), done };
    checks.delete(key);
    forgetOldest(checks, MAX_CHECKS);
    checks.set(key, noted);
    return noted;
  }

  function makeRoom(added: Entry): void {
    for (const [key, entry] of entries) {
      if (entries.size <= MAX_IDLE) return;
      // Callers who wait would be told that the source is closed.
      if (entry.waiting === 0 && entry !== added) drop(key, entry);
    }
  }

  function drop(key: string, entry: Entry): void {
    entries.delete(key);
    if (entry.waiting === 0) entry.session.close().catch(() => {});
  }

  async function tokenOf(entry: Entry, request?: TokenRequest): Promise<AccessToken> {
    entry.waiting += 1;
    try {
      const token = await entry.session.getToken(request);
      entry.isClientRefused = false;
      return token;
    } catch (error) {
      if (isTalkdeskError(error) && error.code === "client_refused") entry.isClientRefused = true;
      throw error;
    } finally {
      entry.waiting -= 1;
    }
  }

  const mayGetOtherClient = ({ isClientRefused, openedAt, client }: Entry): boolean =>
    isClientRefused && clockOf(client).monotonic() - openedAt >= REPLACEMENT_PAUSE_MS;

  function noteEnd(key: string): Entry | undefined {
    const entry = entries.get(key);
    entries.delete(key);
    checks.delete(key);
    forgetOldest(ended, MAX_ENDED);
    ended.add(key);
    return entry;
  }

  /** Publishes that the store was not told of a sign-out. */
  function reportFailure(entry: Entry | undefined, thrown?: unknown): void {
    const error = isTalkdeskError(thrown)
      ? thrown
      : new TalkdeskError(
          "store_unavailable",
          "The tokens of a user who has signed out may still be in their store, which failed or did not answer in time; check its connection.",
        );
    const tokenEndpoint = entry?.client.endpoints.token ?? "";
    try {
      const answer: unknown = onEvent?.({
        type: "store_failed",
        at: Date.now(),
        grantType: "refresh_token",
        tokenEndpoint,
        error,
      });
      // Errors of listeners are ignored, as those of the session itself are.
      Promise.resolve(answer).catch(() => {});
    } catch {
      // Ignored, too.
    }
  }

  /** Repeats a removal that has failed: what is left in the store keeps the sign-in alive in other processes. */
  function removeLater(key: string, [pauseMs, ...pauses]: readonly number[]): void {
    if (pauseMs === undefined) return;
    const remove = async (): Promise<void> => store.delete(key);
    setTimeout(() => void remove().catch(() => removeLater(key, pauses)), pauseMs).unref();
  }

  return {
    async source(key, clientOf) {
      if (!(await isSignedIn(key))) return undefined;
      let entry = entries.get(key);
      if (entry === undefined || mayGetOtherClient(entry)) {
        const client = await clientOf();
        if (ended.has(key)) return undefined;
        entry = entries.get(key);
        if (entry !== undefined && entry.client !== client && mayGetOtherClient(entry)) drop(key, entry);
        entry = open(key, client);
      }
      const { client } = entry;
      return {
        api: client.endpoints.api,
        tokenEndpoint: client.endpoints.token,
        async getToken(request) {
          // A request may run for long: its user may have signed out since.
          if (!(await unlessAborted(isSignedIn(key), request?.signal))) throw signedOut();
          return tokenOf(open(key, client), request);
        },
      };
    },
    async add(key, client, token) {
      await tokenOf(open(key, client, token));
      noteCheck(key, clockOf(client), Promise.resolve());
    },
    async claim(name) {
      let isTaken = false;
      const asked = (async () => {
        // Never released: it ends by itself.
        isTaken = (await store.lock(name, { ttlMs: CLAIM_MS })) === undefined;
      })();
      await isWithin(
        STORE_PATIENCE_MS,
        asked.catch(() => {}),
      );
      return !isTaken;
    },
    isSignedIn,
    isEnded: (key) => ended.has(key),
    async end(key) {
      const entry = noteEnd(key);
      const removed = (async () => (entry === undefined ? store.delete(key) : entry.session.end()))();
      const heard = removed.catch((error: unknown) => {
        reportFailure(entry, error);
        removeLater(key, REMOVAL_PAUSES_MS);
      });
      if (!(await isWithin(STORE_PATIENCE_MS, heard))) reportFailure(entry);
    },
  };
}

const signedOut = (): TalkdeskError =>
  new TalkdeskError("reauthentication_required", "The user has signed out; log the user in again.");

const PLATFORM_CLOCK = { now: () => Date.now(), monotonic: () => performance.now() };

const clockOf = ({ clock }: { readonly clock?: Clock | undefined }): Pick<Clock, "now" | "monotonic"> =>
  clock ?? PLATFORM_CLOCK;

/** A clock that was set back makes no answer hold longer. */
const isWithinInterval = (elapsedMs: number): boolean => elapsedMs >= 0 && elapsedMs < CHECK_INTERVAL_MS;

/** Makes room for one more. */
function forgetOldest(kept: Map<string, unknown> | Set<string>, limit: number): void {
  for (const oldest of kept.keys()) {
    if (kept.size < limit) return;
    kept.delete(oldest);
  }
}
