import { DecoratorHandler, type Dispatcher, errors } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Start = Parameters<NonNullable<Handler["onResponseStart"]>>;
type End = Parameters<NonNullable<Handler["onResponseEnd"]>>;
type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/**
 * The caller's side of a request. The request may be dispatched twice; the caller sees one controller, one response and
 * one end.
 */
export interface Caller {
  /** The caller's handler, with the hooks that undici has had since version 7. */
  readonly handler: Handler;
  /** The controller that the caller holds, which outlives the connections behind it. */
  readonly controller: Controller;
  /** True once the caller has been told the end or has aborted: nothing more is passed on to it. */
  readonly isOver: boolean;
  /** Lets the controller act on the connection of a dispatched request. */
  connect(connection: Controller, context: unknown): void;
  /** Passes on the start of a response, also of an informational one. */
  start(status: number, headers: Start[2], message: string | undefined): void;
  /** Passes on the end of a response. */
  end(trailers: End[1]): void;
  /** Ends the request with an error, unless it has ended. */
  fail(error: unknown): void;
  /** Finds the caller's hook of this name; undefined when its handler has none. */
  hook(name: string): ((...args: unknown[]) => unknown) | undefined;
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
  const handler: Handler = isLegacy ? new DecoratorHandler(original) : original;
  let connection: Controller | undefined;
  // The caller may keep it from the start, so values of layers nearer to the network are added to the same object.
  const context = {};

  // Members that are set, not getters: V8 makes a new shape for every object with getters of its own.
  const controller: Mutable<Controller> = {
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: null,
    rawTrailers: null,
    abort(given) {
      if (controller.aborted || caller.isOver) return;
      // An EventEmitter used as a signal gives no reason.
      const reason = given ?? new errors.RequestAbortedError();
      controller.aborted = true;
      controller.reason = reason;
      connection?.abort(reason);
      // During a wait for a token there is no connection that would report the error.
      caller.fail(reason);
    },
    pause() {
      controller.paused = true;
      connection?.pause();
    },
    resume() {
      controller.paused = false;
      connection?.resume();
    },
  };
  const caller: Mutable<Caller> = {
    handler,
    controller,
    isOver: false,
    connect(made, shared) {
      connection = made;
      if (shared) Object.assign(context, shared);
      const { history } = context as { readonly history?: readonly unknown[] };
      if (caller.isOver) made.abort(controller.reason ?? new errors.RequestAbortedError());
      // `onRequestStart` was called before. It is called again only for redirects followed beneath, since a fetch adds a
      // listener at each call.
      else if (history !== undefined && history.length > 0) handler.onRequestStart?.(controller, context);
      if (controller.paused) made.pause();
    },
    start(status, headers, message) {
      controller.rawHeaders = connection?.rawHeaders ?? null;
      // A DecoratorHandler passes on one start only, and an informational response comes before the final one.
      const target: Handler = isLegacy && status < 200 ? new DecoratorHandler(original) : handler;
      target.onResponseStart?.(controller, status, headers, message);
    },
    end(trailers) {
      if (caller.isOver) return;
      controller.rawTrailers = connection?.rawTrailers ?? null;
      // It may throw and then expects `onResponseError`, as undici's retry interceptor does, so it is not over yet.
      handler.onResponseEnd?.(controller, trailers);
      caller.isOver = true;
    },
    fail(error) {
      if (caller.isOver) return;
      caller.isOver = true;
      handler.onResponseError?.(controller, error as Error);
    },
    hook(name) {
      for (const each of [handler, original]) {
        const hook = (each as Record<string, unknown>)[name];
        if (typeof hook === "function") return hook.bind(each);
      }
      return undefined;
    },
  };
  try {
    handler.onRequestStart?.(controller, context);
  } catch (error) {
    caller.fail(error);
  }
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
