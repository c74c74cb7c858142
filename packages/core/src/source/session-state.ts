import { type Clock, platformClock } from "../base/clock.js";
import type { Deadline } from "../base/deadline.js";
import type { TalkdeskClient } from "../client/client.js";
import type { StoreLock } from "../store/token-store.js";
import type { AccessToken } from "../token/access-token.js";
import type { ReportEvent, TokenCallContext } from "../token/token-call.js";
import type { TokenPlace } from "./store-access.js";
import type { TokenRecord } from "./token-record.js";

/**
 * What one source knows of its session, besides the token that it hands out.
 * @internal
 */
export interface SessionState {
  readonly client: TalkdeskClient;
  readonly place: TokenPlace;
  readonly scope: readonly string[] | undefined;
  /** How long the record lives without a write, in milliseconds. */
  readonly maxIdleMs: number;
  /** The token of a login, until it is stored or a later one has won. */
  login: Login | undefined;
  /** A write that has failed and is repeated. */
  unsaved: UnsavedWrite | undefined;
  /** A refresh that was sent, and whose answer no caller waits for any more. */
  overdue: OverdueRefresh | undefined;
  /** Names the refresh token that was refused for good, for when the store could not be told. */
  refused: string | undefined;
  /** The latest record of the session that this process has seen in the store. The store may lose it. */
  latest: TokenRecord | undefined;
  /** Whether the end of the session was reported. */
  isEndReported: boolean;
  /** True after `end()`: nothing more may be written. */
  isEnded: boolean;
  /** Resolves when the last write has settled. */
  writing: Promise<void> | undefined;
}

/** @internal */
export interface Login {
  readonly token: AccessToken;
  /** True for `start(token)`, which replaces whatever is stored. Otherwise the later token wins. */
  readonly isNew: boolean;
}

/** @internal */
export interface UnsavedWrite {
  /** Tries once more; resolves when nothing is left to be saved. */
  readonly save: (limit: Deadline, report: ReportEvent) => Promise<void>;
  /** Held until the write succeeds, so that no other process spends the refresh token that was exchanged. */
  readonly lock: StoreLock | undefined;
  /** The save that is under way; all who wait for one share it. */
  saving: Promise<void> | undefined;
  /** How many saves have failed. */
  failures: number;
  /** The timer of the next save. */
  timer?: unknown;
}

/** @internal */
export interface OverdueRefresh {
  /** Held until the answer is dealt with, so that no other process sends the refresh token again. */
  readonly lock: StoreLock;
  /** Resolves when the answer is dealt with, or is awaited no longer. */
  readonly settled: Promise<void>;
}

/**
 * One renewal of the session's token, or one repetition of its write.
 * @internal
 */
export interface Renewal {
  readonly session: SessionState;
  readonly context: TokenCallContext;
  readonly limit: Deadline;
  /** How many more writes may lose to another process before the store is at fault. */
  readonly conflicts: { left: number };
}

/** @internal */
export const clockOf = (session: SessionState): Clock => session.client.clock ?? platformClock;
