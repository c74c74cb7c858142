import { startDeadline } from "../base/deadline.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";
import { memoryStore } from "../store/memory-store.js";
import type { TokenStore } from "../store/token-store.js";
import type { AccessToken } from "../token/access-token.js";
import { type Scope, scopeNames } from "../token/grant.js";
import {
  createReporter,
  type LifecycleOptions,
  type SourceGrant,
  tokenLifecycle,
} from "../token/lifecycle.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { isOfAnother } from "../token-endpoint/token-owner.js";
import { renewSession } from "./session-renewal.js";
import type { SessionState } from "./session-state.js";
import { ask, releaseLock, tokenPlace } from "./store-access.js";
import { forgetUnsaved, saveBeforeClose } from "./unsaved-write.js";

/** Options of {@link userSession}. */
export interface UserSessionOptions extends LifecycleOptions {
  /**
   * Where the session lives. Share one among all processes that may serve the user. Default: this object's memory,
   * and the session ends with it.
   */
  readonly store?: TokenStore | undefined;
  /** The session's name in the store: one key is one session. A random one, not the user's id. */
  readonly key: string;
  /**
   * The token of a login. It is stored at the first call of `getToken`, unless a later one is there already. Absent:
   * go on with what is in the store.
   */
  readonly token?: AccessToken | undefined;
  /** What to ask for at each refresh: some of the login's scopes. Default: all of them. */
  readonly scope?: Scope | undefined;
  /**
   * How long the session's record stays in the store without a write, in milliseconds: a session that nobody uses for
   * so long needs a login. Every renewal is a write. Default: 30 days (2 592 000 000). A record whose refresh token is
   * known to end earlier ends with it.
   */
  readonly maxIdleMs?: number | undefined;
}

const DEFAULT_MAX_IDLE_MS = 30 * 86_400_000;

/** How long the end of a session waits for a write that is under way, at most. */
const WRITE_PATIENCE_MS = 1_000;

/** The tokens of one user who has logged in. */
export interface UserSession extends ClosableTokenSource {
  /**
   * Stores the token of a new login in the place of whatever the session was, and resolves when `getToken` answers by
   * it. Heals a session that is over, here and in other processes. When the store is down it resolves all the same:
   * `store_failed` is reported, and the write repeated.
   *
   * @throws TypeError (rejection) for anything but an AccessToken that this client was given.
   * @throws TalkdeskError (rejection) as `getToken`; `source_closed` after `end()` or `close()`.
   * @example
   * const { token } = await finishAuthorization(client, url, pending);
   * await session.start(token);
   */
  start(token: AccessToken): Promise<void>;
  /**
   * Ends the session for good: its record leaves the store, and nothing of it stays in memory. Whoever waits or asks
   * here gets `source_closed`; other processes get `reauthentication_required` when they next look. A refresh under
   * way is discarded. Talkdesk documents no revocation of refresh tokens, so its own session is not ended.
   *
   * @throws TalkdeskError (rejection) `store_unavailable` when the record could not be removed; call it again.
   */
  end(): Promise<void>;
  /**
   * Gives up this object and leaves the session in the store, for another process or a later start. A refresh that was
   * sent is waited for and stored, at most `timeoutMs` of the client for each. Afterwards nothing of ours refers to a
   * token: one that could not be stored by then is lost, and `store_failed` has said so.
   */
  close(): Promise<void>;
}

/**
 * A source of tokens for a user who has logged in, renewed with the refresh token.
 *
 * Assumes that a refresh token is good for one exchange: its successor is stored before its access token is handed
 * out, two processes on one store never refresh at once, and an answer that was lost is told apart from a revocation.
 * Any number of concurrent callers cause one refresh. Make one object for each session in a process, and share it.
 *
 * @throws TypeError at once, for an option that cannot be used.
 * @throws TalkdeskError (rejection of `getToken`) `reauthentication_required`: log the user in again;
 *   `refresh_outcome_unknown`: a refresh token was sent and its answer lost; `store_unavailable`, `lock_timeout`;
 *   those of {@link requestToken}, which keep the session; `token_refused`; `source_closed`.
 * @see RFC 6749 §6; RFC 9700 §4.14; Talkdesk, "Refresh Token - Basic"
 */
export function userSession(client: TalkdeskClient, options: UserSessionOptions): UserSession {
  checkClient(client);
  const { store = memoryStore(), key, token, scope, maxIdleMs = DEFAULT_MAX_IDLE_MS, ...lifecycle } = options;
  const place = tokenPlace(client, store, key, "user_session");
  if (place === undefined) throw new TypeError("store must be a TokenStore, such as memoryStore().");
  if (token !== undefined) checkLogin(client, token);
  if (typeof maxIdleMs !== "number" || !(maxIdleMs > 0 && maxIdleMs < Number.POSITIVE_INFINITY)) {
    throw new TypeError("maxIdleMs must be a number of milliseconds above 0.");
  }
  const session: SessionState = {
    client,
    place,
    scope: scope === undefined ? undefined : scopeNames(scope),
    maxIdleMs,
    login: token && { token, isNew: false },
    unsaved: undefined,
    refused: undefined,
    isEndReported: false,
    isEnded: false,
    writing: undefined,
  };
  /** Settles when no renewal runs. Without its answer, which would keep a token in memory. */
  let renewals: Promise<void> = Promise.resolve();
  const grant: SourceGrant = {
    client,
    grantType: "refresh_token",
    request(context) {
      const renewal = renewSession(session, context);
      renewals = Promise.allSettled([renewals, renewal]).then(() => {});
      return renewal;
    },
    scope: session.scope,
  };
  const { source, restart } = tokenLifecycle(grant, lifecycle);
  const report = createReporter(grant, lifecycle);
  let isClosed = false;

  async function start(login: AccessToken): Promise<void> {
    checkLogin(client, login);
    if (!isClosed) {
      const superseded = forgetUnsaved(session);
      (async () => superseded?.release())().catch(() => {});
      session.login = { token: login, isNew: true };
      restart();
    }
    await source.getToken();
  }

  async function close(): Promise<void> {
    isClosed = true;
    await source.close();
    await renewals;
    await saveBeforeClose(session, report);
    session.login = undefined;
  }

  /** A write under way would come after the removal. It would remove its record itself, but only when it settles. */
  async function waitForWrite(): Promise<void> {
    const patience = startDeadline(
      Math.min(WRITE_PATIENCE_MS, client.timeoutMs / 4),
      undefined,
      client.clock,
    );
    await patience.race(session.writing ?? Promise.resolve()).catch(() => {});
    patience.clear();
  }

  let isRemoved = false;
  async function end(): Promise<void> {
    isClosed = true;
    session.isEnded = true;
    session.login = undefined;
    const lock = forgetUnsaved(session);
    await source.close();
    if (isRemoved) return;
    const limit = startDeadline(client.timeoutMs, undefined, client.clock);
    try {
      await waitForWrite();
      await ask(limit, () => store.delete(key));
      isRemoved = true;
      if (lock !== undefined) await releaseLock(lock, limit);
    } finally {
      limit.clear();
    }
    if (!session.isEndReported) {
      session.isEndReported = true;
      report("session_ended");
    }
  }

  return { ...source, start, close, end, [Symbol.asyncDispose]: close };
}

function checkLogin(client: TalkdeskClient, token: AccessToken): void {
  if (typeof token?.value !== "string" || typeof token.issuedAt !== "number") {
    throw new TypeError("token must be an AccessToken, such as finishAuthorization gives.");
  }
  if (isOfAnother(token, client)) {
    throw new TypeError(
      "token was given to another client, or in another region; open the session with the client that finished the login.",
    );
  }
}
