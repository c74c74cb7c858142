import { DecoratorHandler, type Dispatcher, errors } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Start = Parameters<NonNullable<Handler["onResponseStart"]>>;
type End = Parameters<NonNullable<Handler["onResponseEnd"]>>;

/**
 * The caller's side of a request. The request may be dispatched twice; the caller sees one controller, one response and
 * one end.
 */
export class Caller {
  /** The caller's handler, with the hooks that undici has had since version 7. */
  readonly handler: Handler;
  readonly controller: CallersController = new CallersController(this);
  /** True once the caller has been told the end or has aborted: nothing more is passed on to it. */
  isOver = false;
  /** The connection of a dispatched request. */
  connection: Controller | undefined;
  readonly #original: Handler;
  /** The caller may keep it from the start, so values of layers nearer to the network are added to the same object. */
  readonly #context = {};

  /**
   * @param original The handler that the caller gave.
   * @param isLegacy Whether it has the hooks of older versions.
   */
  constructor(original: Handler, isLegacy: boolean) {
    this.handler = isLegacy ? new DecoratorHandler(original) : original;
    this.#original = original;
  }

  /** Tells the caller that its request has started. */
  begin(): void {
    try {
      this.handler.onRequestStart?.(this.controller, this.#context);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Lets the controller act on the connection of a dispatched request. */
  connect(connection: Controller, shared: unknown): void {
    const { handler, controller } = this;
    this.connection = connection;
    if (shared) Object.assign(this.#context, shared);
    const { history } = this.#context as { readonly history?: readonly unknown[] };
    if (this.isOver) connection.abort(controller.reason ?? new errors.RequestAbortedError());
    // `onRequestStart` was called before. It is called again only for redirects followed beneath, since a fetch adds a
    // listener at each call.
    else if (history !== undefined && history.length > 0) handler.onRequestStart?.(controller, this.#context);
    if (controller.paused) connection.pause();
  }

  /** Passes on the start of a response, also of an informational one. */
  start(status: number, headers: Start[2], message: string | undefined): void {
    const { handler, controller } = this;
    controller.rawHeaders = this.connection?.rawHeaders ?? null;
    // A DecoratorHandler passes on one start only, and an informational response comes before the final one.
    const target: Handler =
      status < 200 && handler !== this.#original ? new DecoratorHandler(this.#original) : handler;
    target.onResponseStart?.(controller, status, headers, message);
  }

  /** Passes on the end of a response. */
  end(trailers: End[1]): void {
    if (this.isOver) return;
    const { handler, controller } = this;
    controller.rawTrailers = this.connection?.rawTrailers ?? null;
    // It may throw and then expects `onResponseError`, as undici's retry interceptor does, so it is not over yet.
    handler.onResponseEnd?.(controller, trailers);
    this.isOver = true;
  }

  /** Ends the request with an error, unless it has ended. */
  fail(error: unknown): void {
    if (this.isOver) return;
    this.isOver = true;
    this.handler.onResponseError?.(this.controller, error as Error);
  }

  /** Finds the caller's hook of this name; undefined when its handler has none. */
  hook(name: string): ((...args: unknown[]) => unknown) | undefined {
    for (const each of [this.handler, this.#original]) {
      const hook = (each as Record<string, unknown>)[name];
      if (typeof hook === "function") return hook.bind(each);
    }
    return undefined;
  }
}

/** The controller that the caller holds, which outlives the connections behind it. */
class CallersController implements Controller {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: NonNullable<Controller["rawHeaders"]> | null = null;
  rawTrailers: NonNullable<Controller["rawTrailers"]> | null = null;
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  abort(given: Error): void {
    if (this.aborted || this.#caller.isOver) return;
    // An EventEmitter used as a signal gives no reason.
    const reason = (given as Error | undefined) ?? new errors.RequestAbortedError();
    this.aborted = true;
    this.reason = reason;
    this.#caller.connection?.abort(reason);
    // During a wait for a token there is no connection that would report the error.
    this.#caller.fail(reason);
  }

  pause(): void {
    this.paused = true;
    this.#caller.connection?.pause();
  }

  resume(): void {
    this.paused = false;
    this.#caller.connection?.resume();
  }
}

/**
 * Calls the handler's `onRequestStart` at once, before there is a connection, so that a caller can abort while its request
 * waits for a token.
 *
 * @param supportsLegacy The result of {@link supportsLegacyHandlers}.
 * @throws TypeError for a legacy handler (`onConnect`) that this undici cannot convert.
 */
export function startCaller(original: Handler, supportsLegacy: boolean): Caller {
  // Those of `undici.request` in undici 7 and of Node's own fetch.
  const isLegacy = original.onRequestStart === undefined;
  if (isLegacy && !supportsLegacy) {
    throw new TypeError(
      "This request comes from a client for undici 7 or older, such as the fetch of Node 20 to 24, and undici 8 does not support it: use undici's own fetch, @talkdesk-oauth/fetch, or undici 7.",
    );
  }
  const caller = new Caller(original, isLegacy);
  caller.begin();
  return caller;
}

/**
 * Reports an error to a handler whose request was not started, as undici does, without a controller.
 *
 * @returns True: the dispatcher is not busy, so `dispatch` may be called again.
 */
export function failAtOnce(handler: Handler, error: unknown): true {
  if (handler.onResponseError !== undefined) {
    handler.onResponseError(null as unknown as Controller, error as Error);
  } else if (handler.onError !== undefined) {
    handler.onError(error as Error);
  } else {
    throw error;
  }
  return true;
}

/** Makes the error for a mistake in the program. It has a `code` because undici's retry repeats errors without one. */
export function usageError(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: "ERR_INVALID_ARG_VALUE" });
}

/** True when this undici's DecoratorHandler converts legacy handlers (`onConnect`). In undici 8 it only forwards. */
export function supportsLegacyHandlers(): boolean {
  let isConverted = false;
  const legacy: Handler = {
    onConnect() {
      isConverted = true;
    },
  };
  const current: Handler = new DecoratorHandler(legacy);
  current.onRequestStart?.(undefined as unknown as Controller, {});
  return isConverted;
}
