import {
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
import { type EventDetails, identifyToken, publish } from "./event-publisher.js";
import { countFailure, type Failure, gateError, isGateClosed, isRenewalPaused } from "./failure-gate.js";
import type { Grant } from "./grant.js";
import { type HeldToken, holdToken, requiredLifetimeMs } from "./held-token.js";
import type { TokenEvent, TokenRequested } from "./token-event.js";
import type { ClosableTokenSource, TokenRequest } from "./token-source.js";

/** How a source keeps its token; the same for every grant. */
export interface LifecycleOptions {
  /**
   * How early a token is renewed in the background, in milliseconds before it expires. At most a tenth of its lifetime
   * counts. With 0, a token is renewed only when callers have to wait for it. Default: 60 000.
   */
  readonly refreshEarlyMs?: number | undefined;
  /** Names the source on each of its events, such as `"reports"` or an account. Not secret. Default: no name. */
  readonly label?: string | undefined;
  /**
   * Called with every event of this source, while a call waits, so it must return fast. Errors that it throws are ignored.
   */
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

/** What the lifecycle tells a token call that begins. */
export interface TokenCallContext {
  /** Aborts when the source is closed. */
  readonly signal: AbortSignal;
  /** Token values that are no answer, wherever they are found: the current one, and the one that the API has refused. */
  readonly outdated: readonly string[];
  /** The token value that the API has refused, if that is the reason of the call. */
  readonly refused?: string | undefined;
  /** How long the token is needed, in milliseconds; 0 for any lifetime. */
  readonly neededMs: number;
  /** How long its callers have already waited for a call that a login has replaced, in milliseconds. */
  readonly waitedMs: number;
  /** Says that the session of the current token is over: if the call fails, no caller gets that token any more. */
  readonly withdraw: () => void;
  readonly report: ReportEvent;
}

/** Publishes an event of the source that happens outside its lifecycle. */
export type ReportEvent = (type: "store_failed" | "session_ended", error?: TalkdeskError) => void;

/** What a token call brought. */
export interface TokenAnswer {
  readonly token: AccessToken;
  /** Just before the request was sent that was answered with it. */
  readonly sentAt: Instant;
  /** True when it was found in a store, so that nothing was sent. */
  readonly isShared?: boolean;
}

/** What is specific to the grant of a source: how it requests a token. */
export interface SourceGrant {
  readonly client: TalkdeskClient;
  readonly grantType: Grant["grant_type"];
  /** Makes one token call, retries included. */
  readonly request: (context: TokenCallContext) => Promise<TokenAnswer>;
  /** The scopes that it requests; absent for all. */
  readonly scope?: readonly string[] | undefined;
}

const DEFAULT_REFRESH_EARLY_MS = 60_000;

/** A token that replaced a refused one, and is refused within this time: then stale tokens are not the reason. */
const REFUSAL_LOOP_MS = 30_000;

interface Waiter {
  resolve(token: AccessToken): void;
  reject(error: unknown): void;
  /** The token value that this caller must not get. */
  readonly rejected: string | undefined;
  /** Whether this caller gets the token that lasts longer, of the current one and its replacement. */
  readonly wantsLongest: boolean;
}

/** A token call under way, and the callers that wait for it. */
interface Flight {
  readonly waiters: Set<Waiter>;
  /** Whether the session of the current token is known to be over. */
  isWithdrawn: boolean;
  readonly abort: AbortController;
  readonly startedAt: Instant;
  /** How long its callers had waited before, in milliseconds. */
  readonly waitedMs: number;
  readonly answersRefusal: boolean;
}

interface State {
  readonly grant: SourceGrant;
  readonly clock: Clock;
  readonly refreshEarlyMs: number;
  readonly options: LifecycleOptions;
  held: HeldToken | undefined;
  flight: Flight | undefined;
  failure: Failure | undefined;
  isClosed: boolean;
}

/** A source, and what only the function that made it may do with it. */
export interface Lifecycle {
  readonly source: ClosableTokenSource;
  /** Forgets the current token and earlier failures, and makes a new token call for all who wait: the user logged in again. */
  restart(): void;
}

/**
 * Keeps one token for any number of callers: it is renewed before it expires, replaced when it is refused, and never
 * requested twice at the same time. {@link SourceGrant} has what is specific to a grant; everything about time, failure and
 * concurrency is here.
 *
 * There are no timers: each call of `getToken` finds out what is due. So nothing keeps a process alive, or fires late.
 * @internal
 */
export function tokenLifecycle(grant: SourceGrant, options: LifecycleOptions): Lifecycle {
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
    grant,
    clock: grant.client.clock ?? platformClock,
    refreshEarlyMs,
    options: { label, onEvent },
    held: undefined,
    flight: undefined,
    failure: undefined,
    isClosed: false,
  };
  /** The origins that were reported; adapters name gateways only, so there are few. */
  let withheld: Set<string> | undefined;
  const closeState = (): Promise<void> => close(state);
  const source: ClosableTokenSource = {
    api: grant.client.endpoints.api,
    tokenEndpoint: grant.client.endpoints.token,
    identity: grant.client.endpoints.identity,
    reportWithheld(origin) {
      withheld ??= new Set();
      if (withheld.has(origin)) return;
      withheld.add(origin);
      emit(state, "token_withheld", () => ({ origin }));
    },
    getToken(request) {
      const { held } = state;
      // Nearly all calls take this short way.
      if (request === undefined && held !== undefined && isBefore(state.clock, held.softAt))
        return held.promise;
      return answerCaller(state, request ?? {});
    },
    close: closeState,
    [Symbol.asyncDispose]: closeState,
  };
  return { source, restart: () => restart(state) };
}

/** Decides what a caller gets: the current token, a wait for a token call, or an error at once. */
function answerCaller(state: State, request: TokenRequest): Promise<AccessToken> {
  const { held } = state;
  const { signal, rejected, minimumLifetimeMs: neededMs = 0 } = request;
  if (state.isClosed) return Promise.reject(sourceClosedError());
  if (typeof neededMs !== "number" || !(neededMs >= 0)) {
    return Promise.reject(new TypeError("minimumLifetimeMs must be a number of milliseconds, 0 or more."));
  }
  if (signal?.aborted) return Promise.reject(signal.reason);

  if (held !== undefined && rejected !== undefined && rejected.value === held.token.value) {
    return replaceRefused(state, held, rejected, signal);
  }
  if (held !== undefined) {
    const age = elapsedSince(state.clock, held.askedAt);
    const isTooShort = held.endAgeMs - age < requiredLifetimeMs(held.endAgeMs, neededMs);
    if (
      isTooShort &&
      age < held.endAgeMs &&
      !(state.flight === undefined && isRenewalPaused(state.failure, state.clock))
    ) {
      return waitForToken(state, "renewal", rejected, signal, neededMs);
    }
    if (isBefore(state.clock, held.softAt)) return held.promise;
    if (age < held.endAgeMs) {
      if (state.flight === undefined && !isRenewalPaused(state.failure, state.clock))
        startFlight(state, "renewal");
      if (state.flight === undefined || age < held.hardAgeMs) {
        reportStale(state, held, age);
        return held.promise;
      }
    }
  }
  return waitForToken(state, "no_token", rejected, signal, neededMs);
}

/** Replaces the current token, which the API has refused. */
function replaceRefused(
  state: State,
  held: HeldToken,
  rejected: AccessToken,
  signal: AbortSignal | undefined,
): Promise<AccessToken> {
  if (held.answersRefusal && elapsedSince(state.clock, held.askedAt) < REFUSAL_LOOP_MS) {
    return Promise.reject(tokenRefusedError());
  }
  if (!held.isRefused) {
    held.isRefused = true;
    emit(state, "token_rejected", () => identifyToken(held.token.value));
  }
  return waitForToken(state, "refusal", rejected, signal);
}

/** Waits for the token call under way, or for one that begins now. */
function waitForToken(
  state: State,
  reason: TokenRequested["reason"],
  rejected: AccessToken | undefined,
  signal: AbortSignal | undefined,
  neededMs = 0,
): Promise<AccessToken> {
  const { failure } = state;
  if (state.flight === undefined && isGateClosed(failure, state.clock)) {
    return Promise.reject(gateError(failure));
  }
  if (state.flight === undefined) startFlight(state, reason, rejected, { neededMs });
  return state.flight === undefined
    ? Promise.reject(sourceClosedError())
    : joinFlight(state.flight, rejected, signal, neededMs > 0);
}

function joinFlight(
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

/** Begins a token call, unless a listener of events has closed the source meanwhile. */
function startFlight(
  state: State,
  reason: TokenRequested["reason"],
  rejected?: AccessToken,
  {
    waiters = new Set(),
    neededMs = 0,
    waitedMs = 0,
  }: { waiters?: Set<Waiter>; neededMs?: number; waitedMs?: number } = {},
): void {
  if (state.isClosed) return;
  const flight: Flight = {
    waiters,
    isWithdrawn: false,
    abort: new AbortController(),
    startedAt: readInstant(state.clock),
    waitedMs,
    answersRefusal: reason === "refusal",
  };
  const probe = state.failure !== undefined && state.failure.gateMs > 0;
  // Before the event: its listener may ask for a token itself, and then waits for this call.
  state.flight = flight;
  emit(state, "token_requested", () => ({ reason, probe }));
  const outdated = [state.held?.token.value, rejected?.value].filter((value) => value !== undefined);
  const context: TokenCallContext = {
    signal: flight.abort.signal,
    outdated,
    refused: rejected?.value,
    neededMs,
    waitedMs,
    withdraw() {
      flight.isWithdrawn = true;
    },
    report: createReporter(state.grant, state.options),
  };
  state.grant.request(context).then(
    (answer) => {
      if (state.flight === flight) takeAnswer(state, flight, answer);
    },
    (error: unknown) => {
      if (state.flight !== flight) return;
      if (isControlFlow(error)) settleWithoutToken(state, flight, () => error);
      else failFlight(state, flight, toTalkdeskError(error));
    },
  );
}

/** Holds the token that a call brought, and settles all who wait. */
function takeAnswer(state: State, flight: Flight, { token, sentAt, isShared }: TokenAnswer): void {
  state.flight = undefined;
  const lifetimeMs = token.expiresAt - token.issuedAt;
  if (lifetimeMs <= 0) {
    const error = new TalkdeskError(
      "token_malformed",
      "The token endpoint answered with a token that has no lifetime; it is given once, to the callers that waited for it.",
      { status: 200 },
    );
    noteFailure(state, flight, error);
    settleWithToken(flight, token);
    return;
  }
  const { failure, held } = state;
  const heldMs =
    held === undefined || held.isRefused ? 0 : held.endAgeMs - elapsedSince(state.clock, held.askedAt);
  // The token that the API has refused came back, so asking again would change nothing.
  const isRefused = held?.token.value === token.value && held.isRefused;
  const jitter = (state.grant.client.random ?? Math.random)();
  state.held = holdToken(
    token,
    sentAt,
    { refreshEarlyMs: state.refreshEarlyMs, jitter },
    { answersRefusal: flight.answersRefusal || isRefused, isRefused },
  );
  state.failure = undefined;
  emit(state, "token_received", () => ({
    durationMs: elapsedSince(state.clock, flight.startedAt),
    ...identifyToken(token.value),
    expiresAt: token.expiresAt,
    ...(isShared === true && { shared: true as const }),
    ...(token.scope !== undefined && { scope: token.scope }),
    ...findMissingScope(state.grant.scope, token.scope),
  }));
  const closedAt = failure?.closedAt;
  if (closedAt !== undefined) {
    emit(state, "gate_opened", () => ({ durationMs: elapsedSince(state.clock, closedAt) }));
  }
  const longest =
    held !== undefined && heldMs > lifetimeMs - elapsedSince(state.clock, sentAt) ? held.token : token;
  settleWithToken(flight, token, longest);
}

function settleWithToken(flight: Flight, token: AccessToken, longest: AccessToken = token): void {
  for (const waiter of flight.waiters) {
    if (waiter.wantsLongest && waiter.rejected !== longest.value) waiter.resolve(longest);
    else if (waiter.rejected === token.value) waiter.reject(tokenRefusedError());
    else waiter.resolve(token);
  }
}

/**
 * Counts a failed call, and settles all who wait. When the session is over and the current token was refused or withdrawn,
 * that token is forgotten.
 */
function failFlight(state: State, flight: Flight, error: TalkdeskError): void {
  state.flight = undefined;
  const isOver = error.code === "reauthentication_required";
  if (isOver && (flight.isWithdrawn || state.held?.isRefused === true)) state.held = undefined;
  noteFailure(state, flight, error);
  settleWithoutToken(state, flight, () => copyError(error));
}

/** Settles all who wait with the current token, if it is valid and they have not reported it as refused; else with an error. */
function settleWithoutToken(state: State, flight: Flight, errorFor: () => unknown): void {
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
  const failure = countFailure(state.failure, error, state.clock);
  state.failure = failure;
  const durationMs = elapsedSince(state.clock, flight.startedAt);
  emit(state, "token_failed", () => ({ durationMs, error }));
  const { gateMs, at } = failure;
  if (gateMs > 0) emit(state, "gate_closed", () => ({ retryAt: at.wall + gateMs, error }));
}

function findMissingScope(
  asked: readonly string[] | undefined,
  granted: readonly string[] | undefined,
): { readonly missingScope?: readonly string[] } {
  if (asked === undefined || granted === undefined) return {};
  const missing = asked.filter((name) => !granted.includes(name));
  return missing.length === 0 ? {} : { missingScope: missing };
}

function reportStale(state: State, held: HeldToken, ageMs: number): void {
  const { failure, flight } = state;
  emit(state, "served_stale", () => ({
    ...identifyToken(held.token.value),
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
  const { waiters, waitedMs, startedAt } = flight;
  const sinceMs = waiters.size === 0 ? 0 : state.clock.monotonic() - startedAt.monotonic;
  startFlight(state, "no_token", undefined, { waiters, waitedMs: waitedMs + sinceMs });
}

async function close(state: State): Promise<void> {
  const { flight } = state;
  state.isClosed = true;
  state.held = undefined;
  state.flight = undefined;
  state.failure = undefined;
  for (const waiter of flight?.waiters ?? []) waiter.reject(sourceClosedError());
  flight?.abort.abort();
}

/**
 * Makes the function that publishes what happens to a source outside its lifecycle.
 * @internal
 */
export const createReporter =
  (grant: Pick<SourceGrant, "client" | "grantType">, options: LifecycleOptions): ReportEvent =>
  (type, error) =>
    emit(
      { grant, clock: grant.client.clock ?? platformClock, options },
      type,
      () => (error === undefined ? {} : { error }) as { error: TalkdeskError },
    );

function emit<Type extends EventDetails["type"]>(
  {
    grant,
    clock,
    options: { label, onEvent },
  }: Pick<State, "clock" | "options"> & { readonly grant: Pick<SourceGrant, "client" | "grantType"> },
  type: Type,
  details: () => Omit<Extract<EventDetails, { type: Type }>, "type">,
): void {
  const { grantType, client } = grant;
  const { clientId } = client.authentication;
  publish(
    type,
    () =>
      ({
        type,
        at: clock.now(),
        grantType,
        tokenEndpoint: client.endpoints.token,
        ...(clientId !== undefined && { clientId }),
        ...(label !== undefined && { label }),
        ...details(),
      }) as TokenEvent,
    onEvent,
  );
}

function toTalkdeskError(error: unknown): TalkdeskError {
  if (isTalkdeskError(error)) return error;
  return new TalkdeskError("token_network", "The token call failed in an unforeseen way.", { cause: error });
}

const sourceClosedError = (): TalkdeskError =>
  new TalkdeskError("source_closed", "This token source was closed.");

const tokenRefusedError = (): TalkdeskError =>
  new TalkdeskError(
    "token_refused",
    "The API refused a token and then refused its replacement; check what the client may do there, and that the API is in the client's region.",
  );
