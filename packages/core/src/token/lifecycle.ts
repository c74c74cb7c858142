import { type Clock, elapsedSince, isBefore, platformClock, readInstant } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { copyError, isTalkdeskError, TalkdeskError } from "../base/errors.js";
import type { AccessToken } from "./access-token.js";
import { identifyToken } from "./event-publisher.js";
import { countFailure, type Failure, gateError, isGateClosed, isRenewalPaused } from "./failure-gate.js";
import {
  type Flight,
  joinFlight,
  settleWithToken,
  sourceClosedError,
  tokenRefusedError,
  type Waiter,
} from "./flight.js";
import { type HeldToken, holdToken, requiredLifetimeMs } from "./held-token.js";
import { checkLifecycleOptions, type LifecycleOptions } from "./lifecycle-options.js";
import { createReporter, emit } from "./source-events.js";
import type { SourceGrant, TokenAnswer, TokenCallContext } from "./token-call.js";
import type { TokenRequested } from "./token-event.js";
import type { ClosableTokenSource, TokenRequest } from "./token-source.js";

/** A token that replaced a refused one, and is refused within this time: then stale tokens are not the reason. */
const REFUSAL_LOOP_MS = 30_000;

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
  const { refreshEarlyMs, label, onEvent } = checkLifecycleOptions(options);
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

function toTalkdeskError(error: unknown): TalkdeskError {
  if (isTalkdeskError(error)) return error;
  return new TalkdeskError("token_network", "The token call failed in an unforeseen way.", { cause: error });
}
