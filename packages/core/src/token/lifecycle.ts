import {
  addMs,
  type Clock,
  elapsedSince,
  type Instant,
  isBefore,
  platformClock,
  readInstant,
} from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { copyError, isTalkdeskError, TalkdeskError } from "../base/errors.js";
import { onAbort } from "../base/shared-abort.js";
import type { TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "./access-token.js";
import { type EventDetails, fingerprint, publish } from "./event-publisher.js";
import type { Grant } from "./grant.js";
import type { TokenEvent, TokenRequested } from "./token-event.js";
import type { ClosableTokenSource, TokenRequest } from "./token-source.js";

/** How a source keeps its token; the same for every grant. */
export interface LifecycleOptions {
  /**
   * How long before its end a token is renewed in the background, in milliseconds, but never more than a tenth of its
   * lifetime. Default 60 000. 0 renews when callers have to wait for it.
   */
  readonly refreshEarlyMs?: number | undefined;
  /** Names the source on each of its events, such as `"reports"` or an account. Not secret. Default: no name. */
  readonly label?: string | undefined;
  /** Told of every event of this source. It may throw, and may not delay: it is called in between. */
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

/** What the lifecycle tells a call that begins. */
export interface TokenCallContext {
  /** Aborts when the source is closed. */
  readonly signal: AbortSignal;
  /** Values that are no answer, wherever they are found: the one held, and the one that the API has refused. */
  readonly outdated: readonly string[];
  /** The value that the API has refused, where that is why the call is made. */
  readonly refused?: string | undefined;
  /** How long the token is needed: 0 for as long as any lasts. */
  readonly neededMs: number;
  /** Says that the session is over for the token held as well: nobody gets it any more if the call fails. */
  readonly withdraw: () => void;
  readonly report: ReportEvent;
}

/** Publishes an event of the source that happens outside its lifecycle. */
export type ReportEvent = (type: "store_failed" | "session_ended", error?: TalkdeskError) => void;

/** What a call brought. */
export interface TokenAnswer {
  readonly token: AccessToken;
  /** Just before the request that was answered with it. */
  readonly sentAt: Instant;
  /** True when it was found in a store: nothing was sent. */
  readonly isShared?: boolean;
}

/** The grant-specific half of a source: one request for a token. */
export interface SourceGrant {
  readonly client: TalkdeskClient;
  readonly grantType: Grant["grant_type"];
  /** Asks once, retries included. */
  readonly request: (context: TokenCallContext) => Promise<TokenAnswer>;
  /** The scopes that it asks for; absent when it asks for all. */
  readonly scope?: readonly string[] | undefined;
}

const DEFAULT_REFRESH_EARLY_MS = 60_000;
/** The hard margin: this long before its end, and never more than a sixtieth of a lifetime, callers wait. */
const HARD_MARGIN_MS = 5_000;
/** A renewal for a caller who needs a token for long happens at most once in this share of a lifetime. */
const RENEWAL_SHARE = 1 / 10;
/** A token that was issued because its predecessor was refused, and is refused within this time, is not the fault. */
const REFUSAL_LOOP_MS = 30_000;
/** So many failed calls in a row close the gate. */
const FAILURES_TO_CLOSE = 5;
/** Pauses after failures: the first, doubling to the longest; and the most that a `Retry-After` may ask for. */
const PAUSE_MS = { first: 1_000, longest: 30_000, longestAsked: 300_000 };

/** The token that is handed out, with its ages in milliseconds since it was asked for. */
interface Held {
  readonly token: AccessToken;
  /** The answer to every caller, so that an answer costs nothing. */
  readonly answer: Promise<AccessToken>;
  readonly askedAt: Instant;
  /** From this instant on, by either clock, it is renewed in the background. */
  readonly softAt: Instant;
  /** From this age on, callers wait for the renewal. */
  readonly hardAgeMs: number;
  /** At this age it ends. */
  readonly endAgeMs: number;
  /** Whether it was issued because the API had refused its predecessor. */
  readonly answersRefusal: boolean;
  /** Whether the API has refused it. */
  isRefused: boolean;
}

interface Waiter {
  resolve(token: AccessToken): void;
  reject(error: unknown): void;
  /** The value that this caller must not get. */
  readonly rejected: string | undefined;
  /** Whether this caller gets the token that lasts longer, of the one held and its replacement. */
  readonly wantsLongest: boolean;
}

/** A token call under way, and who waits for it. */
interface Flight {
  readonly waiters: Set<Waiter>;
  /** Whether the token held is known to be of a session that is over. */
  isWithdrawn: boolean;
  readonly abort: AbortController;
  readonly startedAt: Instant;
  readonly answersRefusal: boolean;
}

/** The last of a row of failed calls. */
interface Failure {
  readonly error: TalkdeskError;
  readonly at: Instant;
  /** How many failed in a row. */
  readonly count: number;
  /** No call at all for this long after it: the gate. 0 while it is open. */
  readonly gateMs: number;
  /** No renewal of a token that is still valid for this long after it. */
  readonly renewalPauseMs: number;
  /** When the gate closed first in this row. */
  readonly closedAt: Instant | undefined;
}

interface State {
  readonly call: SourceGrant;
  readonly clock: Clock;
  readonly refreshEarlyMs: number;
  readonly options: LifecycleOptions;
  held: Held | undefined;
  flight: Flight | undefined;
  failure: Failure | undefined;
  isClosed: boolean;
}

/** A source, and what only its maker may do with it. */
export interface Lifecycle {
  readonly source: ClosableTokenSource;
  /**
   * Forgets the token held and what has failed, and asks anew for everybody who waits: there is another login. What is
   * under way is discarded.
   */
  restart(): void;
}

/**
 * Keeps one token for any number of callers: renewed before it ends, replaced when it is refused, never asked for
 * twice at once. What a grant adds is {@link SourceGrant}; everything about time, failure and concurrency is here.
 *
 * Nothing runs between calls: what is due is found out when somebody asks, so there are no timers to keep a process
 * alive, to overflow, or to fire late.
 * @internal
 */
export function tokenLifecycle(call: SourceGrant, options: LifecycleOptions): Lifecycle {
  const { refreshEarlyMs = DEFAULT_REFRESH_EARLY_MS, label, onEvent } = options;
  if (
    typeof refreshEarlyMs !== "number" ||
    !(refreshEarlyMs >= 0 && refreshEarlyMs < Number.POSITIVE_INFINITY)
  ) {
    throw new TypeError("refreshEarlyMs must be a number of milliseconds, 0 or more.");
  }
  if (onEvent !== undefined && typeof onEvent !== "function")
    throw new TypeError("onEvent must be a function.");
  if (label !== undefined && typeof label !== "string") throw new TypeError("label must be a string.");
  const state: State = {
    call,
    clock: call.client.clock ?? platformClock,
    refreshEarlyMs,
    options: { label, onEvent },
    held: undefined,
    flight: undefined,
    failure: undefined,
    isClosed: false,
  };
  const closeState = (): Promise<void> => close(state);
  const source: ClosableTokenSource = {
    api: call.client.endpoints.api,
    tokenEndpoint: call.client.endpoints.token,
    identity: call.client.endpoints.identity,
    getToken(request) {
      const { held } = state;
      // Nearly every call ends here.
      if (request === undefined && held !== undefined && isBefore(state.clock, held.softAt))
        return held.answer;
      return answer(state, request ?? {});
    },
    close: closeState,
    [Symbol.asyncDispose]: closeState,
  };
  return { source, restart: () => restart(state) };
}

/** Decides what one caller gets: a token held, a place in the queue, or an error at once. */
function answer(state: State, request: TokenRequest): Promise<AccessToken> {
  const { held } = state;
  const { signal, rejected, minimumLifetimeMs: neededMs = 0 } = request;
  if (state.isClosed) return Promise.reject(sourceClosed());
  if (typeof neededMs !== "number" || !(neededMs >= 0)) {
    return Promise.reject(new TypeError("minimumLifetimeMs must be a number of milliseconds, 0 or more."));
  }
  if (signal?.aborted) return Promise.reject(signal.reason);

  if (held !== undefined && rejected !== undefined && rejected.value === held.token.value) {
    return replacement(state, held, rejected, signal);
  }
  if (held !== undefined) {
    const age = elapsedSince(state.clock, held.askedAt);
    const isTooShort = held.endAgeMs - age < requiredLifetimeMs(held.endAgeMs, neededMs);
    if (isTooShort && age < held.endAgeMs && !(state.flight === undefined && isPaused(state))) {
      return renewed(state, "renewal", rejected, signal, neededMs);
    }
    if (isBefore(state.clock, held.softAt)) return held.answer;
    if (age < held.endAgeMs) {
      if (state.flight === undefined && !isPaused(state)) startFlight(state, "renewal");
      if (state.flight === undefined || age < held.hardAgeMs) {
        reportStale(state, held, age);
        return held.answer;
      }
    }
  }
  return renewed(state, "no_token", rejected, signal, neededMs);
}

/**
 * How long a token of this lifetime has to last still, for a caller who needs one for so long.
 * @internal
 */
export const requiredLifetimeMs = (lifetimeMs: number, neededMs: number): number =>
  Math.min(neededMs, lifetimeMs * (1 - RENEWAL_SHARE));

/** What a caller gets whose token, the one held, was refused by the API. */
function replacement(
  state: State,
  held: Held,
  rejected: AccessToken,
  signal: AbortSignal | undefined,
): Promise<AccessToken> {
  if (held.answersRefusal && elapsedSince(state.clock, held.askedAt) < REFUSAL_LOOP_MS) {
    return Promise.reject(tokenRefused());
  }
  if (!held.isRefused) {
    held.isRefused = true;
    emit(state, "token_rejected", () => fingerprint(held.token.value));
  }
  return renewed(state, "refusal", rejected, signal);
}

/** A place in the queue for the call under way, or for one that begins now. */
function renewed(
  state: State,
  reason: TokenRequested["reason"],
  rejected: AccessToken | undefined,
  signal: AbortSignal | undefined,
  neededMs = 0,
): Promise<AccessToken> {
  if (state.flight === undefined && isGateClosed(state)) return Promise.reject(gateError(state));
  if (state.flight === undefined) startFlight(state, reason, rejected, { neededMs });
  return state.flight === undefined
    ? Promise.reject(sourceClosed())
    : wait(state.flight, rejected, signal, neededMs > 0);
}

function wait(
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

/** Begins a call, unless a listener has closed the source meanwhile. */
function startFlight(
  state: State,
  reason: TokenRequested["reason"],
  rejected?: AccessToken,
  { waiters = new Set(), neededMs = 0 }: { waiters?: Set<Waiter>; neededMs?: number } = {},
): void {
  if (state.isClosed) return;
  const flight: Flight = {
    waiters,
    isWithdrawn: false,
    abort: new AbortController(),
    startedAt: readInstant(state.clock),
    answersRefusal: reason === "refusal",
  };
  const probe = state.failure !== undefined && state.failure.gateMs > 0;
  // Before anybody is told: a listener may ask for a token itself, and then waits for this call.
  state.flight = flight;
  emit(state, "token_requested", () => ({ reason, probe }));
  const outdated = [state.held?.token.value, rejected?.value].filter((value) => value !== undefined);
  const context: TokenCallContext = {
    signal: flight.abort.signal,
    outdated,
    refused: rejected?.value,
    neededMs,
    withdraw() {
      flight.isWithdrawn = true;
    },
    report: createReporter(state.call, state.options),
  };
  state.call.request(context).then(
    (answer) => {
      if (state.flight === flight) land(state, flight, answer);
    },
    (error: unknown) => {
      if (state.flight !== flight) return;
      if (isControlFlow(error)) giveUp(state, flight, () => error);
      else fail(state, flight, asTalkdeskError(error));
    },
  );
}

/** A call brought a token. */
function land(state: State, flight: Flight, { token, sentAt, isShared }: TokenAnswer): void {
  state.flight = undefined;
  const lifetimeMs = token.expiresAt - token.issuedAt;
  if (lifetimeMs <= 0) {
    const error = new TalkdeskError(
      "token_malformed",
      "The token endpoint answered with a token that has no lifetime; it is given once, to the callers that waited for it.",
      { status: 200 },
    );
    noteFailure(state, flight, error);
    settle(flight, token);
    return;
  }
  const { failure, held } = state;
  const heldMs =
    held === undefined || held.isRefused ? 0 : held.endAgeMs - elapsedSince(state.clock, held.askedAt);
  // The value that the API has refused has come back: as refused as it was, and asking again would change nothing.
  const isRefused = held?.token.value === token.value && held.isRefused;
  state.held = heldToken(state, token, sentAt, lifetimeMs, {
    answersRefusal: flight.answersRefusal || isRefused,
    isRefused,
  });
  state.failure = undefined;
  emit(state, "token_received", () => ({
    durationMs: elapsedSince(state.clock, flight.startedAt),
    ...fingerprint(token.value),
    expiresAt: token.expiresAt,
    ...(isShared === true && { shared: true as const }),
    ...(token.scope !== undefined && { scope: token.scope }),
    ...missingScope(state.call.scope, token.scope),
  }));
  const closedAt = failure?.closedAt;
  if (closedAt !== undefined) {
    emit(state, "gate_opened", () => ({ durationMs: elapsedSince(state.clock, closedAt) }));
  }
  const longest =
    held !== undefined && heldMs > lifetimeMs - elapsedSince(state.clock, sentAt) ? held.token : token;
  settle(flight, token, longest);
}

function settle(flight: Flight, token: AccessToken, longest: AccessToken = token): void {
  for (const waiter of flight.waiters) {
    if (waiter.wantsLongest && waiter.rejected !== longest.value) waiter.resolve(longest);
    else if (waiter.rejected === token.value) waiter.reject(tokenRefused());
    else waiter.resolve(token);
  }
}

/**
 * A call failed. When the session is over and the API has refused the token held, or the session's record says so,
 * nobody gets that token any more.
 */
function fail(state: State, flight: Flight, error: TalkdeskError): void {
  state.flight = undefined;
  const isOver = error.code === "reauthentication_required";
  if (isOver && (flight.isWithdrawn || state.held?.isRefused === true)) state.held = undefined;
  noteFailure(state, flight, error);
  giveUp(state, flight, () => copyError(error));
}

/** Whoever may still have the token held gets that, everybody else an error. */
function giveUp(state: State, flight: Flight, errorFor: () => unknown): void {
  state.flight = undefined;
  const { held } = state;
  const age = held === undefined ? 0 : elapsedSince(state.clock, held.askedAt);
  const valid = held !== undefined && age < held.endAgeMs ? held : undefined;
  for (const waiter of flight.waiters) {
    if (valid !== undefined && waiter.rejected !== valid.token.value) {
      reportStale(state, valid, age);
      waiter.resolve(valid.token);
    } else {
      waiter.reject(errorFor());
    }
  }
}

function noteFailure(state: State, flight: Flight, error: TalkdeskError): void {
  const previous = state.failure;
  const count = (previous?.count ?? 0) + 1;
  const at = readInstant(state.clock);
  const asked = error.retryAt === undefined ? 0 : clamp(error.retryAt - at.wall, 0, PAUSE_MS.longestAsked);
  // A session that is over costs the token endpoint nothing, and a login heals it at once.
  const closes = count >= FAILURES_TO_CLOSE && error.code !== "reauthentication_required";
  const gateMs = asked > 0 ? asked : closes ? pauseMs(count - FAILURES_TO_CLOSE) : 0;
  const closedAt = previous?.closedAt ?? (gateMs > 0 ? at : undefined);
  state.failure = {
    error,
    at,
    count,
    gateMs,
    renewalPauseMs: Math.max(gateMs, pauseMs(count - 1)),
    closedAt,
  };
  const durationMs = elapsedSince(state.clock, flight.startedAt);
  emit(state, "token_failed", () => ({ durationMs, error }));
  if (gateMs > 0) emit(state, "gate_closed", () => ({ retryAt: at.wall + gateMs, error }));
}

const pauseMs = (doublings: number): number => Math.min(PAUSE_MS.longest, PAUSE_MS.first * 2 ** doublings);

const clamp = (value: number, least: number, most: number): number => Math.min(most, Math.max(least, value));

function isGateClosed({ failure, clock }: State): boolean {
  return failure !== undefined && elapsedSince(clock, failure.at) < failure.gateMs;
}

function isPaused({ failure, clock }: State): boolean {
  return failure !== undefined && elapsedSince(clock, failure.at) < failure.renewalPauseMs;
}

/** What a call gets while the gate is closed: the failure that closed it, and when it opens. */
function gateError({ failure }: State): TalkdeskError {
  const { error, at, gateMs } = failure as Failure;
  const retryAt = at.wall + gateMs;
  return copyError(error, {
    message: `${error.message} Nothing is sent before ${new Date(retryAt).toISOString()}, after repeated failures or because the server asked to wait.`,
    retryAt,
  });
}

/**
 * The ages at which a token is renewed. Both windows are the smaller of a time and a share of the lifetime, so they
 * fit a token of a second and one of a year. Jitter spreads the soft point over its window, so that processes which
 * started together do not renew together.
 */
function heldToken(
  state: State,
  token: AccessToken,
  askedAt: Instant,
  lifetimeMs: number,
  refusal: Pick<Held, "answersRefusal" | "isRefused">,
): Held {
  const hardMs = hardMarginMs(lifetimeMs);
  const softMs = Math.max(hardMs, Math.min(state.refreshEarlyMs, lifetimeMs / 10));
  const random = state.call.client.random ?? Math.random;
  return {
    token,
    answer: Promise.resolve(token),
    askedAt,
    softAt: addMs(askedAt, lifetimeMs - softMs + clamp(random(), 0, 1) * (softMs - hardMs)),
    hardAgeMs: lifetimeMs - hardMs,
    endAgeMs: lifetimeMs,
    ...refusal,
  };
}

/**
 * How long before its end a token is waited for rather than handed out.
 * @internal
 */
export const hardMarginMs = (lifetimeMs: number): number => Math.min(HARD_MARGIN_MS, lifetimeMs / 60);

function missingScope(
  asked: readonly string[] | undefined,
  granted: readonly string[] | undefined,
): { readonly missingScope?: readonly string[] } {
  if (asked === undefined || granted === undefined) return {};
  const missing = asked.filter((name) => !granted.includes(name));
  return missing.length === 0 ? {} : { missingScope: missing };
}

function reportStale(state: State, held: Held, ageMs: number): void {
  const { failure, flight } = state;
  emit(state, "served_stale", () => ({
    ...fingerprint(held.token.value),
    renewal: flight === undefined ? ("failed" as const) : ("pending" as const),
    remainingMs: held.endAgeMs - ageMs,
    ...(flight === undefined && failure !== undefined && { error: failure.error }),
  }));
}

function restart(state: State): void {
  const { flight } = state;
  state.held = undefined;
  state.failure = undefined;
  state.flight = undefined;
  if (flight === undefined) return;
  flight.abort.abort();
  startFlight(state, "no_token", undefined, { waiters: flight.waiters });
}

async function close(state: State): Promise<void> {
  const { flight } = state;
  state.isClosed = true;
  state.held = undefined;
  state.flight = undefined;
  state.failure = undefined;
  for (const waiter of flight?.waiters ?? []) waiter.reject(sourceClosed());
  flight?.abort.abort();
}

/**
 * Publishes what happens to a source outside its lifecycle.
 * @internal
 */
export const createReporter =
  (call: Pick<SourceGrant, "client" | "grantType">, options: LifecycleOptions): ReportEvent =>
  (type, error) =>
    emit(
      { call, clock: call.client.clock ?? platformClock, options },
      type,
      () => (error === undefined ? {} : { error }) as { error: TalkdeskError },
    );

function emit<Type extends EventDetails["type"]>(
  {
    call,
    clock,
    options: { label, onEvent },
  }: Pick<State, "clock" | "options"> & { readonly call: Pick<SourceGrant, "client" | "grantType"> },
  type: Type,
  details: () => Omit<Extract<EventDetails, { type: Type }>, "type">,
): void {
  const { grantType, client } = call;
  publish(
    type,
    () =>
      ({
        type,
        at: clock.now(),
        grantType,
        tokenEndpoint: client.endpoints.token,
        ...(label !== undefined && { label }),
        ...details(),
      }) as TokenEvent,
    onEvent,
  );
}

function asTalkdeskError(error: unknown): TalkdeskError {
  if (isTalkdeskError(error)) return error;
  return new TalkdeskError("token_network", "The token call failed in an unforeseen way.", { cause: error });
}

const sourceClosed = (): TalkdeskError => new TalkdeskError("source_closed", "This token source was closed.");

const tokenRefused = (): TalkdeskError =>
  new TalkdeskError(
    "token_refused",
    "The API refused a token and then refused its replacement; check what the client may do there, and that the API is in the client's region.",
  );
