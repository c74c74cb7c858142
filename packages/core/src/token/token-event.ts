import type { TalkdeskError } from "../base/errors.js";
import type { Grant } from "./grant.js";

interface EventOf<Type extends string> {
  readonly type: Type;
  /** When it happened, in epoch milliseconds. */
  readonly at: number;
  /** The grant of the source that it happened to. */
  readonly grantType: Grant["grant_type"];
  /** The token endpoint of that source. */
  readonly tokenEndpoint: string;
  /** The `label` of that source; absent where it has none. */
  readonly label?: string;
}

/**
 * What happens to the tokens of one source. Free of secrets: a token is named by its fingerprint, a hash under a key
 * that each process draws at random, so equal ones in one process are one token and others tell nothing. It is absent
 * on runtimes without `node:crypto`.
 */
export type TokenEvent =
  | TokenRequested
  | TokenReceived
  | TokenFailed
  | ServedStale
  | TokenRejected
  | GateClosed
  | GateOpened
  | StoreFailed
  | SessionEnded;

/** A token call begins: with a store, by looking there first. `durationMs` of its end counts from here. */
export interface TokenRequested extends EventOf<"token_requested"> {
  /** Why: there is no valid token; the one held grows old; the API refused it. */
  readonly reason: "no_token" | "renewal" | "refusal";
  /** True when the call is the probe of a gate that was closed. */
  readonly probe: boolean;
}

/** A token call brought a token. */
export interface TokenReceived extends EventOf<"token_received"> {
  readonly durationMs: number;
  readonly fingerprint?: string;
  /** When the token expires, in epoch milliseconds. */
  readonly expiresAt: number;
  /** True when it came from the store, where another process had put it; absent when it was asked for. */
  readonly shared?: true;
  readonly scope?: readonly string[];
  /** Scopes that were asked for and not granted; absent when none, or when the answer did not say. */
  readonly missingScope?: readonly string[];
}

/** A token call failed, retries included. */
export interface TokenFailed extends EventOf<"token_failed"> {
  readonly durationMs: number;
  readonly error: TalkdeskError;
}

/** A caller was given the token held although it is due for renewal. */
export interface ServedStale extends EventOf<"served_stale"> {
  readonly fingerprint?: string;
  /** What became of the renewal: it is under way, or it failed and is not tried again yet. */
  readonly renewal: "pending" | "failed";
  /** Milliseconds until the token expires. */
  readonly remainingMs: number;
  /** Why the renewal failed. */
  readonly error?: TalkdeskError;
}

/** The API refused the token held. Once per token, however many callers report it. */
export interface TokenRejected extends EventOf<"token_rejected"> {
  readonly fingerprint?: string;
}

/** Calls fail at once from now on, until `retryAt`. */
export interface GateClosed extends EventOf<"gate_closed"> {
  /** When the next call is let through, in epoch milliseconds. */
  readonly retryAt: number;
  readonly error: TalkdeskError;
}

/** A call came through; the gate is open again. */
export interface GateOpened extends EventOf<"gate_opened"> {
  /** How long it was closed, in milliseconds. */
  readonly durationMs: number;
}

/** A token could not be read from, or written to, its store. */
export interface StoreFailed extends EventOf<"store_failed"> {
  readonly error: TalkdeskError;
}

/** A session is over: `end()` was called, or, with an `error`, the user must log in again. Once per source. */
export interface SessionEnded extends EventOf<"session_ended"> {
  readonly error?: TalkdeskError;
}
