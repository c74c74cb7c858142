import {
  type AccessToken,
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

/** What all of them have in common. */
export interface UserSessionsOptions {
  readonly store: TokenStore;
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

/** The users whose tokens this process holds: one object for each sign-in, whichever request asks. */
export interface UserSessions {
  /** A source for a sign-in, unless it has ended. `clientOf` is asked for its client unless that is known. */
  source(
    key: string,
    clientOf: () => TalkdeskClient | Promise<TalkdeskClient>,
  ): Promise<TokenSource | undefined>;
  /** Whether a sign-in has ended here: a session that is stored again by mistake has nobody signed in. */
  isEnded(key: string): boolean;
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
  /** How many wait for its token. */
  waiting: number;
  /** Whether its client was refused: it may have got other credentials. */
  isClientRefused: boolean;
  /** Since when it has this client, by its monotonic clock. */
  readonly openedAt: number;
}

/** Those who were used last stay in memory; the others are read from the store again. */
const MAX_IDLE = 1_000;

/** Of so many it is known that they have ended; all that can come late is a request that ran when it happened. */
const MAX_ENDED = 10_000;

const END_PATIENCE_MS = 2_000;

/** A client that is refused at once is not replaced at each request: its failures close the gate of its session. */
const REPLACEMENT_PAUSE_MS = 1_000;

export function userSessions({ store, onEvent }: UserSessionsOptions): UserSessions {
  /** Least recently used first. */
  const entries = new Map<string, Entry>();
  /** First to end first. */
  const ended = new Set<string>();

  function open(key: string, client: TalkdeskClient, token?: AccessToken): Entry {
    if (ended.has(key)) {
      throw new TalkdeskError("reauthentication_required", "The user has signed out; log the user in again.");
    }
    const known = entries.get(key);
    const entry = known ?? {
      session: userSession(client, { store, key, ...(token && { token }), ...(onEvent && { onEvent }) }),
      client,
      waiting: 0,
      isClientRefused: false,
      openedAt: monotonicOf(client),
    };
    entries.delete(key);
    entries.set(key, entry);
    if (known === undefined) makeRoom(entry);
    return entry;
  }

  function makeRoom(added: Entry): void {
    for (const [key, entry] of entries) {
      if (entries.size <= MAX_IDLE) return;
      // Who waits would be told that the source is closed.
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
    isClientRefused && monotonicOf(client) - openedAt >= REPLACEMENT_PAUSE_MS;

  function noteEnd(key: string): Entry | undefined {
    const entry = entries.get(key);
    entries.delete(key);
    for (const earliest of ended) {
      if (ended.size < MAX_ENDED) break;
      ended.delete(earliest);
    }
    ended.add(key);
    return entry;
  }

  /** Tells of an end that the store did not hear of. */
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
      // As for those of the session itself: a listener harms nobody.
      Promise.resolve(answer).catch(() => {});
    } catch {
      // There is nobody to tell.
    }
  }

  return {
    async source(key, clientOf) {
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
        getToken: async (request) => tokenOf(open(key, client), request),
      };
    },
    async add(key, client, token) {
      await tokenOf(open(key, client, token));
    },
    isEnded: (key) => ended.has(key),
    async end(key) {
      const entry = noteEnd(key);
      const removed = (async () => (entry === undefined ? store.delete(key) : entry.session.end()))();
      const heard = removed.catch((error: unknown) => reportFailure(entry, error));
      if (!(await isWithin(END_PATIENCE_MS, heard))) reportFailure(entry);
    },
  };
}

const monotonicOf = ({ clock }: TalkdeskClient): number => clock?.monotonic() ?? performance.now();

/** Waits for a work, at most for so long, and answers whether it was done by then. */
async function isWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const isDone = await Promise.race([
    work.then(() => true),
    new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, limitMs, false);
      timer.unref();
    }),
  ]);
  clearTimeout(timer);
  return isDone;
}
