import {
  type AccessToken,
  type ClosableTokenSource,
  isTalkdeskError,
  sourceAddresses,
  sourcePool,
  type TalkdeskClient,
  TalkdeskError,
  type TokenEvent,
  type TokenRequest,
  type TokenSource,
  type TokenStore,
  type UserSession,
  userSession,
} from "@talkdesk-oauth/core";
import { isWithin, unlessAborted } from "../base/bounded-wait.js";
import { STORE_PATIENCE_MS, signIns } from "./sign-ins.js";

/** Options that all sign-ins of one login share. */
export interface UserSourcesOptions {
  readonly store: TokenStore;
  /** The client of all sign-ins. Undefined when each request has to name it. */
  readonly client: TalkdeskClient | undefined;
  readonly maxIdleMs?: number | undefined;
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

/** Gives the client of a sign-in. */
type ClientOf = () => TalkdeskClient | Promise<TalkdeskClient>;

/** The tokens of all users of one login: one source for each sign-in, shared by all its requests. */
export interface UserSources {
  /**
   * The source of a sign-in; undefined when it has ended. Not a promise when that is known and the source is open, as for
   * most requests.
   *
   * @param clientOf Is called unless the client is known. Undefined for sign-ins that share the option `client`: all
   *   requests of such a sign-in get the same object.
   */
  source(
    key: string,
    clientOf: ClientOf | undefined,
  ): TokenSource | undefined | Promise<TokenSource | undefined>;
  /** True while somebody is signed in: see {@link SignIns}. */
  isSignedIn(key: string): boolean | Promise<boolean>;
  /** True for one caller in all processes: see {@link SignIns}. */
  claim(name: string): Promise<boolean>;
  /** Stores the token of a login. Rejects as `UserSession.start` does. */
  start(key: string, client: TalkdeskClient, token: AccessToken): Promise<void>;
  /**
   * Ends a sign-in, here and in the store. Never rejects, and takes two seconds at most: the rest is done in the
   * background, and a failure is reported as an event.
   */
  end(key: string): Promise<void>;
}

/** How to open the source of a sign-in. */
interface Opening {
  readonly clientOf: ClientOf;
  /** The token of a login that has just been completed. */
  readonly token?: AccessToken;
}

/** The session behind an open source. */
interface Held {
  readonly session: UserSession;
  readonly client: TalkdeskClient;
  /** When it was opened with this client, by the client's monotonic clock. */
  readonly openedAt: number;
  /**
   * False while the token of a new login could not be written, so that its absence from the store does not mean a
   * logout.
   */
  isStored: boolean;
  /** How many callers wait for its token. */
  waiting: number;
  /** What the pool gives for it. Each request of the sign-in uses the same one. */
  pooled?: TokenSource;
  /** What requests get that do not name a client. */
  shared?: TokenSource;
  /** True when the service has refused its client. The app may have new credentials. */
  isClientRefused: boolean;
}

/** The waits before a failed removal is tried again. After the last one, the tokens stay until they expire. */
const REMOVAL_PAUSES_MS: readonly number[] = [1_000, 5_000, 25_000, 125_000, 625_000];

/** The least time between two clients of one sign-in, so that a client that is always refused closes the gate. */
const REPLACEMENT_PAUSE_MS = 1_000;

/** Makes the sources of one login's users. */
export function userSources({ store, client, maxIdleMs, onEvent }: UserSourcesOptions): UserSources {
  /** How to open a source that no caller has said more about. */
  const sharedOpening: Opening | undefined = client && { clientOf: () => client };
  /** By the key of the sign-in, while a caller uses its source. */
  const openings = new Map<string, Opening>();
  const held = new Map<string, Held>();
  const pool = sourcePool(open);
  const known = signIns({
    store,
    isUnsaved: (key) => held.get(key)?.isStored === false,
    onEnd: closeLater,
  });

  /** Runs work on the source of a sign-in, which the pool opens if necessary. */
  async function withOpening<T>(
    key: string,
    opening: Opening | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    if (opening === undefined) return work();
    openings.set(key, opening);
    try {
      return await work();
    } finally {
      if (openings.get(key) === opening) openings.delete(key);
    }
  }

  async function open(key: string): Promise<ClosableTokenSource> {
    const opening = openings.get(key) ?? sharedOpening;
    if (opening === undefined || known.isEnded(key)) throw signedOut();
    const client = await opening.clientOf();
    if (known.isEnded(key)) throw signedOut();
    const entry = newEntry(key, client, opening.token);
    try {
      if (opening.token !== undefined) await entry.session.start(opening.token);
    } catch (error) {
      await entry.session.close();
      throw error;
    }
    held.set(key, entry);
    return sourceOf(key, entry);
  }

  function newEntry(key: string, client: TalkdeskClient, token: AccessToken | undefined): Held {
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
    const entry: Held = {
      session: userSession(client, {
        store: watched,
        key,
        ...(maxIdleMs !== undefined && { maxIdleMs }),
        ...(onEvent && { onEvent }),
      }),
      client,
      openedAt: monotonicOf(client),
      isStored: token === undefined,
      waiting: 0,
      isClientRefused: false,
    };
    return entry;
  }

  /** The source that the pool keeps. */
  function sourceOf(key: string, entry: Held): ClosableTokenSource {
    const close = async (): Promise<void> => {
      if (held.get(key) === entry) held.delete(key);
      await entry.session.close();
    };
    // A client that all sign-ins share is never replaced.
    const getToken = client === undefined ? watchCalls(entry) : entry.session.getToken;
    return { ...entry.session, getToken, close, [Symbol.asyncDispose]: close };
  }

  /** Wraps the `getToken` of a session. It records how the token calls end. */
  function watchCalls(entry: Held): TokenSource["getToken"] {
    return async (request) => {
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
    };
  }

  function closeLater(key: string): void {
    pool.close(key).catch(() => {});
  }

  /** Asks the app for the client again when the service has refused the one in use. */
  async function replaceRefusedClient(key: string, entry: Held, clientOf: ClientOf): Promise<void> {
    const client = await clientOf();
    if (client === entry.client || held.get(key) !== entry || !mayReplace(entry)) return;
    // No caller waits on it, so closing it fails no call.
    closeLater(key);
  }

  const isSignedIn = (key: string): boolean | Promise<boolean> =>
    known.isSignedIn(key, (held.get(key)?.client ?? client)?.clock);

  /** The source for requests, which may outlive the sign-in. */
  function bindSource(key: string, pooled: TokenSource, opening: Opening | undefined): TokenSource {
    const { getToken } = pooled;

    async function checkSignIn(
      answer: boolean | Promise<boolean>,
      request: TokenRequest | undefined,
    ): Promise<AccessToken> {
      const isStillIn = typeof answer === "boolean" ? answer : await unlessAborted(answer, request?.signal);
      if (!isStillIn) throw signedOut();
      return withOpening(key, opening, () => getToken(request));
    }

    return {
      ...sourceAddresses(pooled),
      getToken(request) {
        const answer = isSignedIn(key);
        // Nearly all calls take this short way.
        return answer === true && opening === undefined ? getToken(request) : checkSignIn(answer, request);
      },
    };
  }

  /** The source of somebody who is signed in. */
  function findSource(
    key: string,
    clientOf: ClientOf | undefined,
  ): TokenSource | Promise<TokenSource | undefined> {
    const entry = held.get(key);
    if (entry?.pooled === undefined || mayReplace(entry)) return openSource(key, clientOf);
    if (clientOf !== undefined) return bindSource(key, entry.pooled, openOnce(clientOf));
    entry.shared ??= bindSource(key, entry.pooled, undefined);
    return entry.shared;
  }

  async function openSource(key: string, clientOf: ClientOf | undefined): Promise<TokenSource | undefined> {
    const opening = clientOf && openOnce(clientOf);
    const entry = held.get(key);
    if (opening !== undefined && entry !== undefined && mayReplace(entry)) {
      await replaceRefusedClient(key, entry, opening.clientOf);
    }
    let pooled = held.get(key)?.pooled;
    if (pooled === undefined) {
      try {
        pooled = await withOpening(key, opening, () => pool.get(key));
      } catch (error) {
        if (known.isEnded(key)) return undefined;
        throw error;
      }
      const opened = held.get(key);
      if (opened !== undefined) opened.pooled = pooled;
    }
    return bindSource(key, pooled, opening);
  }

  /** Reports that the tokens of a signed-out user could not be removed from the store. */
  function reportFailure(client: TalkdeskClient | undefined, thrown?: unknown): void {
    const error = isTalkdeskError(thrown)
      ? thrown
      : new TalkdeskError(
          "store_unavailable",
          "The tokens of a user who has signed out may still be in their store, which failed or did not answer in time; check its connection.",
        );
    const tokenEndpoint = client?.endpoints.token ?? "";
    try {
      const answer: unknown = onEvent?.({
        type: "store_failed",
        at: Date.now(),
        grantType: "refresh_token",
        tokenEndpoint,
        error,
      });
      // Errors of listeners are ignored, as the session does with its own events.
      Promise.resolve(answer).catch(() => {});
    } catch {
      // A rejection is ignored too.
    }
  }

  /** Repeats a failed removal: a record that stays in the store keeps the user signed in at other processes. */
  function removeLater(key: string, [pauseMs, ...pauses]: readonly number[]): void {
    if (pauseMs === undefined) return;
    const remove = async (): Promise<void> => store.delete(key);
    const timer: unknown = setTimeout(() => void remove().catch(() => removeLater(key, pauses)), pauseMs);
    // A timer of Node keeps the process alive until it fires. On other runtimes, a timer is a number.
    (timer as { unref?: () => void }).unref?.();
  }

  return {
    source(key, clientOf) {
      const answer = isSignedIn(key);
      if (typeof answer !== "boolean") {
        return answer.then((isStillIn) => (isStillIn ? findSource(key, clientOf) : undefined));
      }
      return answer ? findSource(key, clientOf) : undefined;
    },
    isSignedIn,
    claim: known.claim,
    async start(key, client, token) {
      await withOpening(key, { clientOf: () => client, token }, () => pool.get(key));
      known.noteStart(key, client.clock);
    },
    async end(key) {
      const entry = held.get(key);
      known.noteEnd(key);
      const removed = (async () => (entry === undefined ? store.delete(key) : entry.session.end()))();
      closeLater(key);
      const heard = removed.catch((error: unknown) => {
        reportFailure(entry?.client, error);
        removeLater(key, REMOVAL_PAUSES_MS);
      });
      if (!(await isWithin(STORE_PATIENCE_MS, heard))) reportFailure(entry?.client);
    },
  };
}

/** Asks the app for the client of a request once. */
function openOnce(clientOf: ClientOf): Opening {
  let client: Promise<TalkdeskClient> | undefined;
  return {
    clientOf() {
      client ??= (async () => clientOf())();
      return client;
    },
  };
}

const signedOut = (): TalkdeskError =>
  new TalkdeskError("reauthentication_required", "The user has signed out; log the user in again.");

const monotonicOf = ({ clock }: TalkdeskClient): number =>
  clock === undefined ? performance.now() : clock.monotonic();

function mayReplace({ isClientRefused, waiting, openedAt, client }: Held): boolean {
  return isClientRefused && waiting === 0 && monotonicOf(client) - openedAt >= REPLACEMENT_PAUSE_MS;
}
