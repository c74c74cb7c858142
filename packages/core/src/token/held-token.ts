import { addMs, type Instant } from "../base/clock.js";
import type { AccessToken } from "./access-token.js";

/**
 * The token that is handed out, with its ages in milliseconds since it was requested.
 * @internal
 */
export interface HeldToken {
  readonly token: AccessToken;
  /** The same promise for every caller, so that a call allocates nothing. */
  readonly promise: Promise<AccessToken>;
  readonly askedAt: Instant;
  /** From this instant on, by either clock, it is renewed in the background. */
  readonly softAt: Instant;
  /** From this age on, callers wait for the renewal. */
  readonly hardAgeMs: number;
  /** At this age it expires. */
  readonly endAgeMs: number;
  /** Whether it was issued because the API had refused its predecessor. */
  readonly answersRefusal: boolean;
  /** Whether the API has refused it. */
  isRefused: boolean;
}

/**
 * The hard margin: enough for one request to the API with a token that was just handed out. It is never more than one of
 * {@link HARD_PARTS} of a lifetime.
 */
const HARD_MARGIN_MS = 5_000;

const HARD_PARTS = 60;

/** The soft window is never more than one of so many parts of a lifetime, so that short-lived tokens serve most of it. */
const SOFT_PARTS = 10;

/** A renewal for callers who need a token for long happens at most once in this share of a lifetime. */
const RENEWAL_SHARE = 1 / 10;

/**
 * How long before its end callers wait for a renewal, in milliseconds.
 * @internal
 */
export const hardMarginMs = (lifetimeMs: number): number => Math.min(HARD_MARGIN_MS, lifetimeMs / HARD_PARTS);

/**
 * How long a token of this lifetime must still last for a caller who needs it for `neededMs`, in milliseconds.
 * @internal
 */
export const requiredLifetimeMs = (lifetimeMs: number, neededMs: number): number =>
  Math.min(neededMs, lifetimeMs * (1 - RENEWAL_SHARE));

/**
 * Computes when a token is renewed. Both windows are the smaller of a time and a share of the lifetime, so they suit a token
 * of a second and one of a year. `jitter`, from 0 to 1, spreads the soft point over its window, so that processes that
 * started together do not renew together.
 * @internal
 */
export function holdToken(
  token: AccessToken,
  askedAt: Instant,
  { refreshEarlyMs, jitter }: { readonly refreshEarlyMs: number; readonly jitter: number },
  refusal: Pick<HeldToken, "answersRefusal" | "isRefused">,
): HeldToken {
  const lifetimeMs = token.expiresAt - token.issuedAt;
  const hardMs = hardMarginMs(lifetimeMs);
  const softMs = Math.max(hardMs, Math.min(refreshEarlyMs, lifetimeMs / SOFT_PARTS));
  const spread = Math.min(1, Math.max(0, jitter));
  return {
    token,
    promise: Promise.resolve(token),
    askedAt,
    softAt: addMs(askedAt, lifetimeMs - softMs + spread * (softMs - hardMs)),
    hardAgeMs: lifetimeMs - hardMs,
    endAgeMs: lifetimeMs,
    ...refusal,
  };
}
