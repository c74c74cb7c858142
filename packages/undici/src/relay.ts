import { DecoratorHandler, type Dispatcher } from "undici";

/** The client's side of a request that may be dispatched twice: one handler, one controller, one end. */
export interface Relay {
  /** The client's handler, in the form that undici has had since version 7. */
  readonly handler: Dispatcher.DispatchHandler;
  /** What the client holds on to: it outlives the connections behind it. */
  readonly controller: Dispatcher.DispatchController;
  /** Whether the client has been told the end, or has aborted: it wants nothing more. */
  readonly isOver: boolean;
  /** A connection was made for the request. */
  connect(connection: Dispatcher.DispatchController, context: unknown): void;
  start(status: number, headers: Parameters<Start>[2], message: string | undefined): void;
  end(trailers: Parameters<End>[1]): void;
  /** Ends the request with an error, unless it has ended. */
  fail(error: unknown): void;
}

type Start = NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>;
type End = NonNullable<Dispatcher.DispatchHandler["onResponseEnd"]>;
type Mutable<T> = { -readonly [Member in keyof T]: T[Member] };

/**
 * Starts the client's side at once, before there is a connection: a client can abort while it waits for a token.
 *
 * @param takesOld Whether handlers of old can be served: {@link translatesOldHandlers}.
 */
export function relay(original: Dispatcher.DispatchHandler, takesOld: boolean): Relay {
  // undici.request of undici 7 has a handler of old, and Node's own fetch has.
  const isOld = original.onRequestStart === undefined;
  if (isOld && !takesOld) {
    throw new TypeError(
      "This request comes from a client for undici 7 or older, such as the fetch of Node 20 to 24, and undici 8 does not serve it: use undici's own fetch, @talkdesk-oauth/fetch, or undici 7.",
    );
  }
  const handler: Dispatcher.DispatchHandler = isOld ? new DecoratorHandler(original) : original;
  let connection: Dispatcher.DispatchController | undefined;

  // Members that are set, not getters: V8 makes a new shape for every object with getters of its own.
  const controller: Mutable<Dispatcher.DispatchController> = {
    aborted: false,
    paused: false,
    reason: null,
    rawHeaders: null,
    rawTrailers: null,
    abort(reason) {
      if (controller.aborted || client.isOver) return;
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
    connect(made, context) {
      connection = made;
      const { history } = Object(context) as { readonly history?: readonly unknown[] };
      if (controller.aborted) made.abort(controller.reason as Error);
      // It has been told of the start. What is new is a redirect that was followed beneath; a fetch would add a listener
      // each time.
      else if (history !== undefined && history.length > 0) handler.onRequestStart?.(controller, context);
    },
    start(status, headers, message) {
      controller.rawHeaders = connection?.rawHeaders ?? null;
      // DecoratorHandler takes one start alone, and an informational response comes before it.
      const target = isOld && status < 200 ? new DecoratorHandler(original) : handler;
      (target as Dispatcher.DispatchHandler).onResponseStart?.(controller, status, headers, message);
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
  };
  handler.onRequestStart?.(controller, {});
  return client;
}

/** Whether this undici's DecoratorHandler makes a handler of today of one of old. That of undici 8 passes on alone. */
export function translatesOldHandlers(): boolean {
  let isTranslated = false;
  const old: Dispatcher.DispatchHandler = {
    onConnect() {
      isTranslated = true;
    },
  };
  const today: Dispatcher.DispatchHandler = new DecoratorHandler(old);
  today.onRequestStart?.(undefined as unknown as Dispatcher.DispatchController, {});
  return isTranslated;
}
