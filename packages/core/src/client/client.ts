import type { Clock } from "../base/clock.js";
import type { FetchFunction } from "../base/fetch-function.js";
import type { ClientAuthentication } from "./client-authentication.js";
import { type Endpoints, type Region, resolveEndpoints } from "./endpoints.js";

/** Options of {@link talkdeskClient}: where to ask for tokens, and how the client proves its identity. */
export interface TalkdeskClientOptions {
  /** Account name, the first label of its identity host. Needed unless `endpoints` has `identity` and `api`. */
  readonly account?: string | undefined;
  /** Region of the account. Default `"us"`. */
  readonly region?: Region | undefined;
  /**
   * Addresses that replace those of account and region. Without an account, `identity` and `api` are enough, since the
   * other three follow from `identity`. A program without logins needs only `token` and `api`.
   */
  readonly endpoints?: Partial<Endpoints> | undefined;
  /** Proves the identity of the client at the token endpoint. */
  readonly authentication: ClientAuthentication;
  /** Sends the token requests. Default: the global `fetch`, looked up per call. */
  readonly fetch?: FetchFunction | undefined;
  /** Total time for one token call in milliseconds, retries included. Default 10 000. */
  readonly timeoutMs?: number | undefined;
  /** Tells the time. Default: the platform's clocks, looked up per call. */
  readonly clock?: Clock | undefined;
  /** Returns a number from 0 up to, but not including, 1, for jitter. Default: `Math.random`, looked up per call. */
  readonly random?: (() => number) | undefined;
}

/**
 * A client of one account's token service. It is immutable and can be shared. Printing it shows no secret. Options that
 * were not given are absent.
 */
export interface TalkdeskClient {
  /** The addresses of the account in its region. */
  readonly endpoints: Endpoints;
  /** Proves the identity of the client at the token endpoint. */
  readonly authentication: ClientAuthentication;
  /** Total time for one token call in milliseconds, retries included. */
  readonly timeoutMs: number;
  /** The option of that name; absent for the global `fetch`. */
  readonly fetch?: FetchFunction;
  /** The option of that name; absent for the platform's clocks. */
  readonly clock?: Clock;
  /** The option of that name; absent for `Math.random`. */
  readonly random?: () => number;
}

/** Long enough for a slow answer and a retry, short enough for a person who waits. */
const DEFAULT_TIMEOUT_MS = 10_000;

/** The longest delay of platform timers. Longer ones fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Makes a client: the addresses of one account, and the proof of the client's identity. It sends nothing.
 *
 * Endpoints must be `https:`, or `http:` on a loopback address; `endpoints.api` must be an origin.
 *
 * @throws TypeError for an account, a region, an endpoint or another option that cannot be used.
 * @example
 * const client = talkdeskClient({
 *   account: "acme",
 *   region: "eu",
 *   authentication: clientSecretBasic({ clientId, clientSecret }),
 * });
 */
export function talkdeskClient(options: TalkdeskClientOptions): TalkdeskClient {
  const { authentication, fetch, timeoutMs = DEFAULT_TIMEOUT_MS, clock, random } = options;
  if (typeof authentication !== "function") {
    throw new TypeError(
      "authentication must be a function, such as clientSecretBasic({ clientId, clientSecret }).",
    );
  }
  if (typeof timeoutMs !== "number" || !(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS)) {
    throw new TypeError(`timeoutMs must be a number of milliseconds above 0, at most ${MAX_TIMER_MS}.`);
  }
  if (fetch !== undefined && typeof fetch !== "function") throw new TypeError("fetch must be a function.");
  if (random !== undefined && typeof random !== "function") throw new TypeError("random must be a function.");
  if (
    clock !== undefined &&
    !(["now", "monotonic", "setTimeout"] as const).every((name) => typeof clock?.[name] === "function")
  ) {
    throw new TypeError("clock must have the functions now, monotonic and setTimeout.");
  }
  return Object.freeze({
    endpoints: resolveEndpoints(options.account, options.region, options.endpoints),
    authentication,
    timeoutMs,
    ...(fetch !== undefined && { fetch }),
    ...(clock !== undefined && { clock }),
    ...(random !== undefined && { random }),
  });
}

/**
 * Checks that `client` is a client of {@link talkdeskClient}. Every function of the packages that takes a client calls
 * this.
 *
 * @throws TypeError for anything else, such as the options of a client.
 * @example
 * checkClient(talkdeskClient({ account: "acme", authentication })); // fine
 * checkClient({ account: "acme", authentication }); // TypeError
 */
export function checkClient(client: unknown): asserts client is TalkdeskClient {
  const { endpoints, authentication, timeoutMs } = Object(client) as Partial<TalkdeskClient>;
  const isClient =
    typeof endpoints?.token === "string" &&
    typeof endpoints.api === "string" &&
    typeof authentication === "function" &&
    typeof timeoutMs === "number";
  if (!isClient) throw new TypeError("client must be a TalkdeskClient, such as talkdeskClient({ … }) makes.");
}
