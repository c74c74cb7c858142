import type { TalkdeskError } from "../base/errors.js";
import type { Grant } from "./grant.js";

/** What every event has. */
export interface TokenEventOf<Type extends string> {
  /** Tells the events of {@link TokenEvent} apart. */
  readonly type: Type;
  /** When it happened, in epoch milliseconds. */
  readonly at: number;
  /** The grant of the source. */
  readonly grantType: Grant["grant_type"];
  /** The token endpoint of the source. */
  readonly tokenEndpoint: string;
  /** The id of the client; absent when its authentication does not name one. */
  readonly clientId?: string;
  /** The `label` of the source; absent when it has none. */
  readonly label?: string;
}

/**
 * What happens to the tokens of one source. It contains no secrets. A `fingerprint` identifies a token: it is a hash under a
 * key that each process draws at random, so it is equal for equal tokens of one process, and reveals nothing elsewhere. It
 * is absent on runtimes without `node:crypto`.
 */
export type TokenEvent =
  | TokenRequested
  | TokenReceived
  | TokenFailed
  | ServedStale
  | TokenRejected
  | TokenWithheld
  | GateClosed
  | GateOpened
  | StoreFailed
  | SessionEnded;

/** A token call begins. With a store, it reads that first. `durationMs` of its end is counted from here. */
export interface TokenRequested extends TokenEventOf<"token_requested"> {
  /** Why: there is no valid token, the current one expires soon, or the API refused it. */
  readonly reason: "no_token" | "renewal" | "refusal";
  /** True for the first call after a closed gate. */
  readonly probe: boolean;
}

/** A token call brought a token. */
export interface TokenReceived extends TokenEventOf<"token_received"> {
  /** How long the token call took, in milliseconds. */
  readonly durationMs: number;
  /** A keyed hash of the token. Equal tokens have equal fingerprints within one process. */
  readonly fingerprint?: string;
  /** When the token expires, in epoch milliseconds. */
  readonly expiresAt: number;
  /** True when it came from the store, where another process had written it; absent when it was requested. */
  readonly shared?: true;
  /** The scopes that were granted; absent when the answer names none. */
  readonly scope?: readonly string[];
  /** Scopes that were requested and not granted; absent when there are none, or when the answer names no scope. */
  readonly missingScope?: readonly string[];
}

/** A token call failed, retries included. */
export interface TokenFailed extends TokenEventOf<"token_failed"> {
  /** How long the token call took, in milliseconds. */
  readonly durationMs: number;
  /** The error that the callers get, unless the current token is still valid. */
  readonly error: TalkdeskError;
}

/** A caller got the current token, although it is due for renewal. */
export interface ServedStale extends TokenEventOf<"served_stale"> {
  /** A keyed hash of the token. */
  readonly fingerprint?: string;
  /** Whether the renewal is under way, or has failed and is not tried again yet. */
  readonly renewal: "pending" | "failed";
  /** Milliseconds until the token expires. */
  readonly remainingMs: number;
  /** Why the renewal failed. */
  readonly error?: TalkdeskError;
}

/** The API refused the current token. Once per token, however many callers report it. */
export interface TokenRejected extends TokenEventOf<"token_rejected"> {
  /** A keyed hash of the token. */
  readonly fingerprint?: string;
}

/**
 * A request went to the gateway of another region without a token, since the token is not for that origin. Once per source
 * and origin.
 */
export interface TokenWithheld extends TokenEventOf<"token_withheld"> {
  /** The origin that the request went to, such as `https://api.talkdeskapp.eu`. */
  readonly origin: string;
}

/** From now on calls fail at once, until `retryAt`. */
export interface GateClosed extends TokenEventOf<"gate_closed"> {
  /** When the next call is let through, in epoch milliseconds. */
  readonly retryAt: number;
  /** The failure that closed the gate. */
  readonly error: TalkdeskError;
}

/** A call succeeded, so the gate is open again. */
export interface GateOpened extends TokenEventOf<"gate_opened"> {
  /** How long the gate was closed, in milliseconds. */
  readonly durationMs: number;
}

/**
 * The store failed, or a record in it cannot be used, and the call went on without it. A call that fails because of the
 * store is a `token_failed` with `store_unavailable`.
 */
export interface StoreFailed extends TokenEventOf<"store_failed"> {
  /** `store_unavailable`, `store_corrupt` or `lock_timeout`, with what the store said as its `cause`. */
  readonly error: TalkdeskError;
}

/** A session is over: `end()` was called, or, with an `error`, the user must log in again. Once per source. */
export interface SessionEnded extends TokenEventOf<"session_ended"> {
  /** Why the user must log in again; absent after `end()`. */
  readonly error?: TalkdeskError;
}
