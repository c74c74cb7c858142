import {
  type AccessToken,
  isRefusalError,
  isTokenRefusal,
  MAX_BUFFERED_BYTES,
  MAX_DISCARD_MS,
  type Origin,
} from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import type { Caller } from "./caller.js";
import { addAuthorization } from "./headers.js";
import type { Redirects } from "./redirects.js";
import type { RequestSnapshot } from "./request.js";
import { enterRoute, leaveRoute, type Routed } from "./route.js";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

const NO_URLS: readonly URL[] = [];

/** The members that both sendings of a request share. */
export interface Outgoing {
  readonly dispatch: Dispatcher.Dispatch;
  readonly caller: Caller;
  readonly request: RequestSnapshot;
  readonly redirects: Redirects;
}

/**
 * One sending of a request with a token, and its response. A response is passed on to the caller as it arrives; a refusal is
 * held until {@link Sending.release} or {@link Sending.discard}. Hooks that are not implemented here are passed on too:
 * see the end of the file.
 */
export class Sending implements Handler, Routed {
  readonly authorization: string;
  readonly origin: Origin;
  place = -1;
  /** True when the API refused the token. */
  isRefusal = false;
  /** True when the sending ended with an error. */
  hasFailed = false;
  readonly #outgoing: Outgoing;
  #resolve: ((sending: Sending) => void) | undefined;
  /** The steps that the caller has not seen; undefined while everything is passed on at once. */
  #held: (() => void)[] | undefined;
  #heldBytes = 0;
  #hasStarted = false;
  #redirectTarget: string | undefined;
  #isDiscarded = false;
  #isEnded = false;
  #connection: Controller | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** The URLs that a redirect interceptor nearer to the network has requested; it adds to this list as it follows. */
  #visited = NO_URLS;

  constructor(outgoing: Outgoing, { authorization }: AccessToken) {
    this.#outgoing = outgoing;
    this.authorization = authorization;
    this.origin = outgoing.request.origin;
  }

  /**
   * Sends the request.
   *
   * @param held Holds the response from its start.
   * @returns A promise that resolves to this sending when the status is known or the sending has failed.
   */
  send(held?: "held"): Promise<Sending> {
    const { dispatch, caller, request } = this.#outgoing;
    // Aborted during the wait for a token.
    if (caller.isOver) return Promise.resolve(this);
    if (held !== undefined) this.#held = [];
    return new Promise((resolve) => {
      this.#resolve = resolve;
      enterRoute(this);
      try {
        dispatch(
          { ...request.options, headers: addAuthorization(request.headers, this.authorization) },
          this,
        );
      } catch (error) {
        this.onResponseError(undefined, error as Error);
      }
    });
  }

  /** True when a redirect was followed beneath the adapter. */
  get isRedirected(): boolean {
    return this.#visited.length > 1;
  }

  /** Passes on what is held, and from now on everything at once. */
  release(): void {
    const { caller } = this.#outgoing;
    const steps = this.#held;
    if (steps === undefined) return;
    this.#held = undefined;
    try {
      for (const step of steps) step();
    } catch (error) {
      // undici does the same for a handler that throws, but cannot see it here.
      if (!this.#isEnded) this.#connection?.abort(error as Error);
      caller.fail(error);
    }
    if (steps.length > 0 && !caller.controller.paused) this.#connection?.resume();
  }

  /** Drops the response, and reads its rest within bounds, so that the connection can be used again. */
  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#held = undefined;
    if (this.#isEnded) return;
    if (this.#heldBytes > MAX_BUFFERED_BYTES) this.#abortDiscarded();
    else this.#deadline = setTimeout(() => this.#abortDiscarded(), MAX_DISCARD_MS).unref();
  }

  onRequestStart(connection: Controller, context: unknown): void {
    this.#connection = connection;
    this.#visited = (context as { readonly history?: readonly URL[] } | undefined)?.history ?? NO_URLS;
    this.#outgoing.caller.connect(connection, context);
  }

  onRequestUpgrade(
    _connection: Controller,
    status: number,
    headers: ResponseHeaders,
    socket: Parameters<NonNullable<Handler["onRequestUpgrade"]>>[3],
  ): void {
    const { caller } = this.#outgoing;
    this.#end();
    this.#pass(() => caller.handler.onRequestUpgrade?.(caller.controller, status, headers, socket));
    this.#resolve?.(this);
  }

  onResponseStart(_connection: Controller, status: number, headers: ResponseHeaders, message?: string): void {
    const { caller, request, redirects } = this.#outgoing;
    if (status < 200) {
      // Informational: the final response follows.
      this.#pass(() => caller.start(status, headers, message));
      return;
    }
    this.#hasStarted = true;
    this.#redirectTarget = redirects.readTarget(request, false, status, headers);
    if (status === 401 && isTokenRefusal(status, String(headers["www-authenticate"] ?? ""))) this.#refuse();
    this.#pass(() => caller.start(status, forbidStoring(headers), message));
    this.#resolve?.(this);
  }

  onResponseData(connection: Controller, chunk: Buffer): void {
    const { caller } = this.#outgoing;
    if (this.#held !== undefined || this.#isDiscarded) {
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > MAX_BUFFERED_BYTES)
        this.#isDiscarded ? this.#abortDiscarded() : connection.pause();
    }
    this.#pass(() => caller.handler.onResponseData?.(caller.controller, chunk));
  }

  onResponseEnd(_connection: Controller, trailers: ResponseHeaders): void {
    const { caller, redirects } = this.#outgoing;
    this.#end();
    if (this.#redirectTarget !== undefined) redirects.expectHop(this.#redirectTarget);
    this.#pass(() => caller.end(trailers));
  }

  onResponseError(_connection: Controller | undefined, error: Error): void {
    const { caller } = this.#outgoing;
    this.#end();
    this.hasFailed = true;
    // Some interceptors turn statuses into errors, such as responseError.
    if (!this.#hasStarted && isRefusalError(error)) this.#refuse();
    this.#pass(() => caller.fail(error));
    this.#resolve?.(this);
  }

  /** Finds the caller's hook of a name, and gives it the caller's controller in place of the connection's. */
  forwardHook(name: string): ((...args: unknown[]) => void) | undefined {
    const { caller } = this.#outgoing;
    const hook = caller.hook(name);
    if (hook === undefined) return undefined;
    return (...args) =>
      this.#pass(() => void hook(...args.map((arg) => (arg === this.#connection ? caller.controller : arg))));
  }

  #pass(step: () => void): void {
    if (this.#isDiscarded || this.#outgoing.caller.isOver) return;
    if (this.#held === undefined) step();
    else this.#held.push(step);
  }

  /** A 401 says nothing about the token once a redirect has led to another origin, where the token was dropped. */
  #refuse(): void {
    if (!this.#visited.every(({ origin }) => origin === this.origin.origin)) return;
    this.isRefusal = true;
    this.#held ??= [];
  }

  #end(): void {
    this.#isEnded = true;
    if (this.#deadline !== undefined) clearTimeout(this.#deadline);
    leaveRoute(this);
  }

  #abortDiscarded(): void {
    this.#connection?.abort(new Error("A refused response was discarded."));
  }
}

// Hooks that Sending does not implement are looked up here. A promise asks for `then` whenever it resolves to a Sending.
Object.setPrototypeOf(
  Sending.prototype,
  Object.create(
    new Proxy(Object.prototype, {
      get: (target, name, sending) =>
        typeof name === "string" && /^on[A-Z]/.test(name)
          ? (sending as Sending).forwardHook(name)
          : Reflect.get(target, name, sending),
    }),
    // biome-ignore lint/suspicious/noThenProperty: undefined, so that no promise takes a Sending for another promise.
    { then: { value: undefined } },
  ),
);

/**
 * Keeps caches above from storing a response, since they have not seen the token. `no-store` comes first, because caches do
 * not read what follows an open quotation mark.
 */
function forbidStoring(headers: ResponseHeaders): ResponseHeaders {
  const directives = headers["cache-control"];
  // Many times as fast as a spread.
  const answered: ResponseHeaders = Object.assign({}, headers);
  answered["cache-control"] = directives === undefined ? "no-store" : `no-store, ${directives}`;
  return answered;
}
