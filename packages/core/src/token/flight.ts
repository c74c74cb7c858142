import type { Instant } from "../base/clock.js";
import { TalkdeskError } from "../base/errors.js";
import { onAbort } from "../base/shared-abort.js";
import type { AccessToken } from "./access-token.js";

/**
 * A caller that waits for a token call.
 * @internal
 */
export interface Waiter {
  resolve(token: AccessToken): void;
  reject(error: unknown): void;
  /** The token value that this caller must not get. */
  readonly rejected: string | undefined;
  /** Whether this caller gets the token that lasts longer, of the current one and its replacement. */
  readonly wantsLongest: boolean;
}

/**
 * A token call under way, and the callers that wait for it.
 * @internal
 */
export interface Flight {
  readonly waiters: Set<Waiter>;
  /** Whether the session of the current token is known to be over. */
  isWithdrawn: boolean;
  readonly abort: AbortController;
  readonly startedAt: Instant;
  /** How long its callers had waited before, in milliseconds. */
  readonly waitedMs: number;
  readonly answersRefusal: boolean;
}

/**
 * Adds a caller to those that wait. It leaves when its signal aborts; the call goes on for the others.
 * @internal
 */
export function joinFlight(
  flight: Flight,
  rejected: AccessToken | undefined,
  signal: AbortSignal | undefined,
  wantsLongest: boolean,
): Promise<AccessToken> {
  return new Promise((resolve, reject) => {
    const waiter: Waiter = { resolve, reject, rejected: rejected?.value, wantsLongest };
    flight.waiters.add(waiter);
    if (signal === undefined) return;
    const stopListening = onAbort(signal, () => {
      flight.waiters.delete(waiter);
      reject(signal.reason);
    });
    waiter.resolve = (token) => {
      stopListening();
      resolve(token);
    };
    waiter.reject = (error) => {
      stopListening();
      reject(error);
    };
  });
}

/**
 * Gives all who wait the token that the call brought, or, to those that asked for it, the one that lasts longest.
 * @internal
 */
export function settleWithToken(flight: Flight, token: AccessToken, longest: AccessToken = token): void {
  for (const waiter of flight.waiters) {
    if (waiter.wantsLongest && waiter.rejected !== longest.value) waiter.resolve(longest);
    else if (waiter.rejected === token.value) waiter.reject(tokenRefusedError());
    else waiter.resolve(token);
  }
}

/** @internal */
export const sourceClosedError = (): TalkdeskError =>
  new TalkdeskError("source_closed", "This token source was closed.");

/** @internal */
export const tokenRefusedError = (): TalkdeskError =>
  new TalkdeskError(
    "token_refused",
    "The API refused a token and then refused its replacement; check what the client may do there, and that the API is in the client's region.",
  );
