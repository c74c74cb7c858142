import type { AccessToken } from "@talkdesk-oauth/core";
import { pollMs } from "../../../packages/core/src/source/store-access.js";
import { holdToken } from "../../../packages/core/src/token/held-token.js";
import { type Random, seededRandom } from "./random.js";

/** A deployment whose tokens were all issued at the same instant. */
export interface Deployment {
  readonly tenants: number;
  /** The processes that serve one tenant, and so hold its token. */
  readonly processesPerTenant: number;
  /** The mean pause between two calls for a tenant in one process, in milliseconds; the calls are a Poisson process. */
  readonly callEveryMs: number;
  readonly lifetimeMs: number;
  /** How long a token request takes. */
  readonly requestMs: number;
  /** How long is looked at, in milliseconds. */
  readonly horizonMs: number;
  readonly seed: number;
}

/** What the processes do. */
export interface Variant {
  readonly name: string;
  readonly hasJitter: boolean;
  readonly isShared: boolean;
}

export const VARIANTS: readonly Variant[] = [
  { name: "no store, no jitter", hasJitter: false, isShared: false },
  { name: "no store, jitter", hasJitter: true, isShared: false },
  { name: "one store, no jitter", hasJitter: false, isShared: true },
  { name: "one store, jitter", hasJitter: true, isShared: true },
];

/** 500 processes, and 1,000,000 tenants, each of which is served by four of them: 8,000 tenants a process. */
export const DEPLOYMENT: Deployment = {
  tenants: 1_000_000,
  processesPerTenant: 4,
  callEveryMs: 10_000,
  lifetimeMs: 599_000,
  requestMs: 150,
  horizonMs: 1_860_000,
  seed: 1,
};

/** How many requests and operations fell into each second. */
export interface Load {
  readonly requests: Float64Array;
  readonly operations: Float64Array;
}

/** Default of `refreshEarlyMs`. */
const REFRESH_EARLY_MS = 60_000;

/** Operations of the store: a renewal reads, locks, reads, writes and releases. */
const RENEWAL_OPERATIONS = 5;
/** A look that finds a lock in the way: a read, and a lock that is not given. */
const LOOK_OPERATIONS = 2;

/** Computes the load of all tenants. Tenants do not depend on one another. */
export function computeLoad(deployment: Deployment, variant: Variant): Load {
  const seconds = Math.ceil(deployment.horizonMs / 1000);
  const load = { requests: new Float64Array(seconds), operations: new Float64Array(seconds) };
  const random = seededRandom(deployment.seed);
  const { processesPerTenant, tenants } = deployment;
  for (let tenant = 0; tenant < tenants; tenant += 1) {
    if (variant.isShared) addSharers(deployment, variant, processesPerTenant, random, load);
    else {
      for (let process = 0; process < processesPerTenant; process += 1) {
        addSharers(deployment, variant, 1, random, load);
      }
    }
  }
  return load;
}

/** Adds what the processes do that share one token; one process shares it with nobody, and needs no store. */
function addSharers(
  { lifetimeMs, callEveryMs, requestMs, horizonMs }: Deployment,
  { hasJitter, isShared }: Variant,
  count: number,
  random: Random,
  { requests, operations }: Load,
): void {
  const add = (to: Float64Array, at: number, by: number): void => {
    const second = Math.floor(at / 1000);
    if (second < to.length) to[second] = (to[second] ?? 0) + by;
  };
  /** When a process first asks the source after its token's soft point. */
  const nextAt = (issuedAt: number): number => {
    // All that counts of a token here.
    const token = { issuedAt, expiresAt: issuedAt + lifetimeMs };
    const timing = { refreshEarlyMs: REFRESH_EARLY_MS, jitter: hasJitter ? random.next() : 0 };
    const { softAt } = holdToken(
      token as AccessToken,
      { wall: issuedAt, monotonic: issuedAt },
      timing,
      FRESH,
    );
    return softAt.wall - callEveryMs * Math.log(1 - random.next());
  };
  const held = Array.from({ length: count }, () => ({ issuedAt: 0, at: nextAt(0) }));
  let storedAt = 0;
  for (;;) {
    const next = held.reduce((first, other) => (other.at < first.at ? other : first));
    const { at } = next;
    if (at >= horizonMs) return;
    if (storedAt > next.issuedAt) {
      // Another process has renewed it, or is about to.
      let time = at;
      for (const readyAt = storedAt + requestMs; time < readyAt; ) {
        add(operations, time, LOOK_OPERATIONS);
        time += pollMs(() => random.next(), time - at);
      }
      add(operations, time, 1);
    } else {
      add(requests, at, 1);
      if (isShared) add(operations, at, RENEWAL_OPERATIONS);
      storedAt = at;
    }
    next.issuedAt = storedAt;
    next.at = nextAt(storedAt);
  }
}

const FRESH = { answersRefusal: false, isRefused: false };
