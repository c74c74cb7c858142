import {
  type AccessToken,
  isRefusalError,
  isTokenRefusal,
  MAX_BUFFERED_BYTES,
  MAX_DISCARD_MS,
} from "@talkdesk-oauth/core";
import type { Dispatcher } from "undici";
import { withAuthorization } from "./headers.js";
import type { ReadRequest } from "./read-request.js";
import type { Redirects } from "./redirects.js";
import type { Relay } from "./relay.js";
import { enterRoute, leaveRoute, type Routed } from "./route.js";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type ResponseHeaders = Parameters<NonNullable<Handler["onResponseStart"]>>[2];

/** What stays the same when a request is sent again. */
export interface Outgoing {
  readonly dispatch: Dispatcher.Dispatch;
  readonly client: Relay;
  readonly request: ReadRequest;
  readonly redirects: Redirects;
}

/**
 * One sending of a request with a token, and its answer: on its way to the client already, or, when it is a refusal, held
 * until it is known what becomes of it. Hooks of undici's that are not here pass through all the same: see the end.
 */
export class Sending implements Handler, Routed {
  readonly authorization: string;
  readonly url: URL;
  place = -1;
  isRefusal = false;
  /** Whether it has ended with an error, of the connection or of undici. */
  hasFailed = false;
  readonly #outgoing: Outgoing;
  #answer: (sending: Sending) => void = () => {};
  /** What the client has not been told; undefined when it is told everything at once. */
  #held: (() => void)[] | undefined;
  #heldBytes = 0;
  #hasStarted = false;
  #followed: string | undefined;
  #isDiscarded = false;
  #isEnded = false;
  #connection: Controller | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** Where undici's redirect interceptor has been, if it is nearer to the network; it grows as that follows. */
  #visited: readonly URL[] = [];

  constructor(outgoing: Outgoing, { authorization }: AccessToken) {
    this.#outgoing = outgoing;
    this.authorization = authorization;
    this.url = outgoing.request.url;
  }

  /**
   * Sends the request, and resolves when the status of its answer is known.
   *
   * @param held Holds the answer from the start.
   */
  send(held?: "held"): Promise<Sending> {
    const { dispatch, client, request } = this.#outgoing;
    // Aborted while it waited for a token.
    if (client.isOver) return Promise.resolve(this);
    if (held !== undefined) this.#held = [];
    return new Promise((resolve) => {
      this.#answer = resolve;
      enterRoute(this);
      try {
        dispatch(
          { ...request.options, headers: withAuthorization(request.headers, this.authorization) },
          this,
        );
      } catch (error) {
        this.onResponseError(undefined, error as Error);
      }
    });
  }

  /** Whether a redirect was followed beneath. */
  get isRedirected(): boolean {
    return this.#visited.length > 1;
  }

  /** Passes on what is held. */
  release(): void {
    const { client } = this.#outgoing;
    const steps = this.#held ?? [];
    this.#held = undefined;
    try {
      for (const step of steps) step();
    } catch (error) {
      // What undici does when a handler throws, which it cannot see now.
      if (!this.#isEnded) this.#connection?.abort(error as Error);
      client.fail(error);
    }
    if (steps.length > 0 && !client.controller.paused) this.#connection?.resume();
  }

  /** Forgets the answer, and leaves the connection fit for the next request. */
  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#held = undefined;
    if (this.#isEnded) return;
    if (this.#heldBytes > MAX_BUFFERED_BYTES) this.#giveUp();
    else this.#deadline = setTimeout(() => this.#giveUp(), MAX_DISCARD_MS).unref();
  }

  onRequestStart(connection: Controller, context: unknown): void {
    this.#connection = connection;
    this.#visited = (context as { readonly history?: readonly URL[] } | undefined)?.history ?? [];
    this.#outgoing.client.connect(connection, context);
  }

  onRequestUpgrade(
    _connection: Controller,
    status: number,
    headers: ResponseHeaders,
    socket: Parameters<NonNullable<Handler["onRequestUpgrade"]>>[3],
  ): void {
    const { client } = this.#outgoing;
    this.#end();
    this.#pass(() => client.handler.onRequestUpgrade?.(client.controller, status, headers, socket));
    this.#answer(this);
  }

  onResponseStart(_connection: Controller, status: number, headers: ResponseHeaders, message?: string): void {
    const { client, request, redirects } = this.#outgoing;
    if (status < 200) {
      // An informational response is not the answer yet.
      this.#pass(() => client.start(status, headers, message));
      return;
    }
    this.#hasStarted = true;
    this.#followed = redirects.start(request, false, status, headers);
    if (status === 401 && isTokenRefusal(status, String(headers["www-authenticate"] ?? ""))) this.#refuse();
    this.#pass(() => client.start(status, unstored(headers), message));
    this.#answer(this);
  }

  onResponseData(connection: Controller, chunk: Buffer): void {
    const { client } = this.#outgoing;
    if (this.#held !== undefined || this.#isDiscarded) {
      this.#heldBytes += chunk.length;
      if (this.#heldBytes > MAX_BUFFERED_BYTES) this.#isDiscarded ? this.#giveUp() : connection.pause();
    }
    this.#pass(() => client.handler.onResponseData?.(client.controller, chunk));
  }

  onResponseEnd(_connection: Controller, trailers: ResponseHeaders): void {
    const { client, redirects } = this.#outgoing;
    this.#end();
    if (this.#followed !== undefined) redirects.end(this.#followed);
    this.#pass(() => client.end(trailers));
  }

  onResponseError(_connection: Controller | undefined, error: Error): void {
    const { client } = this.#outgoing;
    this.#end();
    this.hasFailed = true;
    // Some interceptors make errors of statuses, such as responseError.
    if (!this.#hasStarted && isRefusalError(error)) this.#refuse();
    this.#pass(() => client.fail(error));
    this.#answer(this);
  }

  /** Tells the client of a hook that is not here, with its own controller in the place of the connection's. */
  passOn(name: string): ((...args: unknown[]) => void) | undefined {
    const { client } = this.#outgoing;
    const hook = client.hook(name);
    if (hook === undefined) return undefined;
    return (...args) =>
      this.#pass(() => void hook(...args.map((arg) => (arg === this.#connection ? client.controller : arg))));
  }

  #pass(step: () => void): void {
    if (this.#isDiscarded || this.#outgoing.client.isOver) return;
    if (this.#held === undefined) step();
    else this.#held.push(step);
  }

  /** A refusal by another origin, or after the chain has been at one, says nothing of the token. */
  #refuse(): void {
    if (!this.#visited.every(({ origin }) => origin === this.url.origin)) return;
    this.isRefusal = true;
    this.#held ??= [];
  }

  #end(): void {
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    leaveRoute(this);
  }

  #giveUp(): void {
    this.#connection?.abort(new Error("A refused response was discarded."));
  }
}

// Where a hook is looked up that a Sending does not have. It is asked for `then`, too, whenever a promise gives it.
Object.setPrototypeOf(
  Sending.prototype,
  Object.create(
    new Proxy(Object.prototype, {
      get: (target, name, sending) =>
        typeof name === "string" && /^on[A-Z]/.test(name)
          ? (sending as Sending).passOn(name)
          : Reflect.get(target, name, sending),
    }),
    // biome-ignore lint/suspicious/noThenProperty: it says that this is no promise.
    { then: { value: undefined } },
  ),
);

/**
 * Keeps caches above from storing an answer: they have not seen whose it is. It comes first, since what follows an open
 * quotation mark is not read.
 */
function unstored(headers: ResponseHeaders): ResponseHeaders {
  const directives = headers["cache-control"];
  const unstorable = directives === undefined ? "no-store" : `no-store, ${directives}`;
  // Many times as fast as a spread.
  const answered: ResponseHeaders = Object.assign({}, headers);
  answered["cache-control"] = unstorable;
  return answered;
}
