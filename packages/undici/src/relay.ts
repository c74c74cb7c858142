import { DecoratorHandler, type Dispatcher } from "undici";

/** The client's side of a request that may be dispatched twice: one handler, one controller, one end. */
export interface Relay {
  /** The client's handler, in the form that undici has had since version 7. */
  readonly handler: Dispatcher.DispatchHandler;
  /** What the client holds on to: it outlives the connections behind it. */
  readonly controller: Dispatcher.DispatchController;
  /** Aborts when the client does. */
  readonly signal: AbortSignal;
  readonly isPaused: boolean;
  /** A connection was made for the request. */
  connect(connection: Dispatcher.DispatchController, context: unknown): void;
  start(status: number, headers: Parameters<Start>[2], message: string | undefined): void;
  end(trailers: Parameters<End>[1]): void;
  /** Ends the request with an error, unless it has ended. */
  fail(error: unknown): void;
}

type Start = NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>;
type End = NonNullable<Dispatcher.DispatchHandler["onResponseEnd"]>;

/**
 * Starts the client's side at once, before there is a connection: a client can abort while it waits for a token.
 */
export function relay(original: Dispatcher.DispatchHandler): Relay {
  // undici.request of undici 7 has a handler of old, and Node's own fetch has.
  const isOld = original.onRequestStart === undefined;
  if (isOld && !translates()) {
    throw new TypeError(
      "This request comes from a client for undici 7 or older, such as the fetch of Node 20 to 24, and undici 8 does not serve it: use undici's own fetch, @talkdesk-oauth/fetch, or undici 7.",
    );
  }
  const handler: Dispatcher.DispatchHandler = isOld ? new DecoratorHandler(original) : original;
  const patience = new AbortController();
  let connection: Dispatcher.DispatchController | undefined;
  let isPaused = false;
  let isOver = false;

  const controller: Dispatcher.DispatchController = {
    get aborted() {
      return patience.signal.aborted;
    },
    get reason() {
      return patience.signal.aborted ? patience.signal.reason : null;
    },
    get paused() {
      return isPaused;
    },
    get rawHeaders() {
      return connection?.rawHeaders ?? null;
    },
    get rawTrailers() {
      return connection?.rawTrailers ?? null;
    },
    abort(reason) {
      if (patience.signal.aborted || isOver) return;
      patience.abort(reason);
      connection?.abort(reason);
    },
    pause() {
      isPaused = true;
      connection?.pause();
    },
    resume() {
      isPaused = false;
      connection?.resume();
    },
  };
  const client: Relay = {
    handler,
    controller,
    signal: patience.signal,
    get isPaused() {
      return isPaused;
    },
    connect(made, context) {
      connection = made;
      if (patience.signal.aborted) made.abort(patience.signal.reason);
      else handler.onRequestStart?.(controller, context);
    },
    start(status, headers, message) {
      // DecoratorHandler takes one start alone, and an informational response comes before it.
      const target = isOld && status < 200 ? new DecoratorHandler(original) : handler;
      (target as Dispatcher.DispatchHandler).onResponseStart?.(controller, status, headers, message);
    },
    end(trailers) {
      if (isOver) return;
      // It may throw, to be told of that as an error: undici's retry interceptor does.
      handler.onResponseEnd?.(controller, trailers);
      isOver = true;
    },
    fail(error) {
      if (isOver) return;
      isOver = true;
      handler.onResponseError?.(controller, error as Error);
    },
  };
  handler.onRequestStart?.(controller, {});
  return client;
}

/** Whether this undici's DecoratorHandler makes a handler of today of one of old. That of undici 8 passes on alone. */
function translates(): boolean {
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
