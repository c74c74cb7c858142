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
  /** A source for a sign-in. `clientOf` is asked for its client unless that is known. */
  source(key: string, clientOf: () => TalkdeskClient | Promise<TalkdeskClient>): Promise<TokenSource>;
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
}

/** Those who were used last stay in memory; the others are read from the store again. */
const MAX_IDLE = 1_000;

const END_PATIENCE_MS = 2_000;

export function userSessions({ store, onEvent }: UserSessionsOptions): UserSessions {
  /** Least recently used first. */
  const entries = new Map<string, Entry>();

  function open(key: string, client: TalkdeskClient, token?: AccessToken): Entry {
    const known = entries.get(key);
    const entry = known ?? {
      session: userSession(client, { store, key, ...(token && { token }), ...(onEvent && { onEvent }) }),
      client,
      waiting: 0,
      isClientRefused: false,
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
      return await entry.session.getToken(request);
    } catch (error) {
      if (isTalkdeskError(error) && error.code === "client_refused") entry.isClientRefused = true;
      throw error;
    } finally {
      entry.waiting -= 1;
    }
  }

  /** Tells of an end that the store did not hear of. */
  function reportFailure(error: unknown, tokenEndpoint: string): void {
    const told = isTalkdeskError(error)
      ? error
      : new TalkdeskError("store_unavailable", "The store of tokens failed; check its connection.");
    try {
      onEvent?.({
        type: "store_failed",
        at: Date.now(),
        grantType: "refresh_token",
        tokenEndpoint,
        error: told,
      });
    } catch {
      // A listener harms nobody.
    }
  }

  return {
    async source(key, clientOf) {
      let entry = entries.get(key);
      if (entry === undefined || entry.isClientRefused) {
        const client = await clientOf();
        entry = entries.get(key);
        if (entry?.isClientRefused && entry.client !== client) drop(key, entry);
        entry = open(key, client);
      }
      const { client } = entry;
      return {
        api: client.endpoints.api,
        tokenEndpoint: client.endpoints.token,
        getToken: (request) => tokenOf(open(key, client), request),
      };
    },
    async add(key, client, token) {
      await tokenOf(open(key, client, token));
    },
    async end(key) {
      const entry = entries.get(key);
      entries.delete(key);
      const ended = (entry === undefined ? store.delete(key) : entry.session.end()).catch((error: unknown) =>
        reportFailure(error, entry?.client.endpoints.token ?? ""),
      );
      await within(END_PATIENCE_MS, ended);
    },
  };
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise((resolve) => {
      timer = setTimeout(resolve, limitMs);
      timer.unref();
    }),
  ]);
  clearTimeout(timer);
}
