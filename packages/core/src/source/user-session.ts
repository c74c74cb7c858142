import { startDeadline } from "../base/deadline.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";
import { memoryStore } from "../store/memory-store.js";
import type { TokenStore } from "../store/token-store.js";
import type { AccessToken } from "../token/access-token.js";
import { type Scope, splitScope } from "../token/grant.js";
import { tokenLifecycle } from "../token/lifecycle.js";
import type { LifecycleOptions } from "../token/lifecycle-options.js";
import { createReporter } from "../token/source-events.js";
import type { SourceGrant } from "../token/token-call.js";
import type { ClosableTokenSource } from "../token/token-source.js";
import { isOfAnother } from "../token-endpoint/token-owner.js";
import { renewSession } from "./session-renewal.js";
import type { SessionState } from "./session-state.js";
import { ask, releaseLock, tokenPlace } from "./store-access.js";
import { forgetUnsaved, saveBeforeClose } from "./unsaved-write.js";

/** Options of {@link userSession}. */
export interface UserSessionOptions extends LifecycleOptions {
  /**
   * Where the session is stored. Share one store among all processes that may serve the user. Default: a store in the
   * memory of this object, so the session is gone when the object is.
   */
  readonly store?: TokenStore | undefined;
  /** The session's name in the store: one key is one session. Use a random one, not the user's id. */
  readonly key: string;
  /**
   * The token of a login. The first call of `getToken` stores it, unless a later one is stored already. Default: what is
   * in the store.
   */
  readonly token?: AccessToken | undefined;
  /** What to ask for at each refresh: some of the scopes of the login. Default: all of them. */
  readonly scope?: Scope | undefined;
  /**
   * How long the session's record stays in the store without a write, in milliseconds. Every renewal is a write, so a
   * session that nobody uses for that long needs a new login. A record ends earlier when its refresh token is known to.
   * Default: 2 592 000 000 (30 days).
   */
  readonly maxIdleMs?: number | undefined;
}

/** Long enough for a holiday; sessions that nobody ends must not stay in the store for ever. */
const DEFAULT_MAX_IDLE_MS = 30 * 86_400_000;

/** How long `end()` waits for a write under way, in milliseconds: longer than a store takes that works. */
const WRITE_PATIENCE_MS = 1_000;

/** The tokens of one user who has logged in. */
export interface UserSession extends ClosableTokenSource {
  /**
   * Replaces the session by a new login, and resolves when `getToken` answers with its token. A session that was over
   * works again, here and in other processes. When the store is down, it resolves as well; `store_failed` is reported and
   * the write is repeated.
   *
   * @throws
   * - TypeError (rejection): not an AccessToken, or one that another client was given.
   * - TalkdeskError (rejection): as `getToken`; `source_closed` after `end()` or `close()`.
   * @example
   * const { token } = await finishAuthorization(client, url, pending);
   * await session.start(token);
   */
  start(token: AccessToken): Promise<void>;
  /**
   * Ends the session for good: removes its record from the store, and forgets its tokens. Callers here get
   * `source_closed`; other processes get `reauthentication_required` when they next read the store. A refresh under way is
   * discarded. The user's session at Talkdesk goes on, since Talkdesk documents no revocation of refresh tokens.
   *
   * @throws
   * - TalkdeskError (rejection) `store_unavailable`: the record could not be removed; call `end()` again.
   * @example
   * await session.end();
   */
  end(): Promise<void>;
  /**
   * Closes this object and leaves the session in the store, for another process or a later start. Waits for a refresh
   * that was sent, at most until 5 s after the `timeoutMs` of its call, and for its write, at most `timeoutMs`. Afterwards
   * no token is left in memory. One that could not be stored by then is lost, as `store_failed` has reported.
   */
  close(): Promise<void>;
}

/**
 * Makes a source of tokens for a user who has logged in. The refresh token renews them.
 *
 * It assumes that a refresh token can be exchanged once. The new refresh token is stored before the new access token is
 * handed out, two processes on one store never refresh at the same time, and a lost answer is distinguished from a
 * revocation. Any number of concurrent callers cause one refresh. Make one object for each session in a process, and
 * share it.
 *
 * @throws
 * - TypeError at once: the client or an option cannot be used.
 *
 * `getToken` rejects with a TalkdeskError:
 * - `reauthentication_required`: the user must log in again;
 * - `refresh_outcome_unknown`: a refresh token was sent and the answer was lost, or is later than `timeoutMs`. A late answer
 *   is awaited for up to 5 s more, and the next call has its token;
 * - `store_unavailable`: the store failed before anything was sent, or a newer version of this package stored the session,
 *   which is kept;
 * - `lock_timeout`: another process holds the session's lock, or this one does for a late answer;
 * - `token_refused`: the API refused a token that had replaced a refused one less than 30 s before;
 * - `source_closed`: `close()` or `end()` was called;
 * - the other codes of {@link requestToken}, which leave the session as it is.
 * @example
 * const { token } = await finishAuthorization(client, url, pending);
 * const session = userSession(client, { store, key: crypto.randomUUID(), token });
 * const { authorization } = await session.getToken();
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
    scope: scope === undefined ? undefined : splitScope(scope),
    maxIdleMs,
    login: token && { token, isNew: false },
    unsaved: undefined,
    overdue: undefined,
    refused: undefined,
    latest: undefined,
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
    await session.overdue?.settled;
    await saveBeforeClose(session, report);
    session.login = undefined;
    session.latest = undefined;
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
    session.latest = undefined;
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
