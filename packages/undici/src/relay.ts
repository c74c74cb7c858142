import { DecoratorHandler, type Dispatcher, errors } from "undici";

type Handler = Dispatcher.DispatchHandler;
type Controller = Dispatcher.DispatchController;
type Start = Parameters<NonNullable<Handler["onResponseStart"]>>;
type End = Parameters<NonNullable<Handler["onResponseEnd"]>>;
type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/** The client's side of a request that may be dispatched twice: one handler, one controller, one end. */
export interface Relay {
  /** The client's handler, in the form that undici has had since version 7. */
  readonly handler: Handler;
  /** What the client holds on to: it outlives the connections behind it. */
  readonly controller: Controller;
  /** Whether the client has been told the end, or has aborted: it wants nothing more. */
  readonly isOver: boolean;
  /** A connection was made for the request. */
  connect(connection: Controller, context: unknown): void;
  start(status: number, headers: Start[2], message: string | undefined): void;
  end(trailers: End[1]): void;
  /** Ends the request with an error, unless it has ended. */
  fail(error: unknown): void;
  /** The client's hook of this name, if it has one. */
  hook(name: string): ((...args: unknown[]) => unknown) | undefined;
}

/**
 * Starts the client's side at once, before there is a connection: a client can abort while it waits for a token.
 *
 * @param takesOld Whether handlers of old can be served: {@link translatesOldHandlers}.
 */
export function relay(original: Handler, takesOld: boolean): Relay {
  // undici.request of undici 7 has a handler of old, and Node's own fetch has.
  const isOld = original.onRequestStart === undefined;
  if (isOld && !takesOld) {
    throw new TypeError(
      "This request comes from a client for undici 7 or older, such as the fetch of Node 20 to 24, and undici 8 does not support it: use undici's own fetch, @talkdesk-oauth/fetch, or undici 7.",
    );
  }
  const handler: Handler = isOld ? new DecoratorHandler(original) : original;
  let connection: Controller | undefined;
  // The client may keep it from the start on; what layers nearer to the network share is added when it is known.
  const context = {};

  // Members that are set, not getters: V8 makes a new shape for every object with getters of its own.
  const controller: Mutable<Controller> = {
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: null,
    rawTrailers: null,
    abort(given) {
      if (controller.aborted || client.isOver) return;
      // An EventEmitter that is a client's signal gives no reason.
      const reason = given ?? new errors.RequestAbortedError();
      controller.aborted = true;
      controller.reason = reason;
      connection?.abort(reason);
      // While it waits for a token there is no connection to say so.
      client.fail(reason);
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
  const client: Mutable<Relay> = {
    handler,
    controller,
    isOver: false,
    connect(made, shared) {
      connection = made;
      if (shared) Object.assign(context, shared);
      const { history } = context as { readonly history?: readonly unknown[] };
      if (client.isOver) made.abort(controller.reason ?? new errors.RequestAbortedError());
      // It has been told of the start. What is new is a redirect that was followed beneath; a fetch would add a listener
      // each time.
      else if (history !== undefined && history.length > 0) handler.onRequestStart?.(controller, context);
      if (controller.paused) made.pause();
    },
    start(status, headers, message) {
      controller.rawHeaders = connection?.rawHeaders ?? null;
      // DecoratorHandler takes one start alone, and an informational response comes before it.
      const target: Handler = isOld && status < 200 ? new DecoratorHandler(original) : handler;
      target.onResponseStart?.(controller, status, headers, message);
    },
    end(trailers) {
      if (client.isOver) return;
      controller.rawTrailers = connection?.rawTrailers ?? null;
      // It may throw, to be told of that as an error: undici's retry interceptor does.
      handler.onResponseEnd?.(controller, trailers);
      client.isOver = true;
    },
    fail(error) {
      if (client.isOver) return;
      client.isOver = true;
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
    client.fail(error);
  }
  return client;
}

/** Ends a request that cannot be begun, as undici does: there is no controller. True, since another can be dispatched. */
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

/** Whether this undici's DecoratorHandler makes a handler of today of one of old. That of undici 8 passes on alone. */
export function translatesOldHandlers(): boolean {
  let isTranslated = false;
  const old: Handler = {
    onConnect() {
      isTranslated = true;
    },
  };
  const today: Handler = new DecoratorHandler(old);
  today.onRequestStart?.(undefined as unknown as Controller, {});
  return isTranslated;
}
