/** What waits on one signal, and how to stop listening to it. */
interface Listening {
  readonly callbacks: Set<() => void>;
  readonly stop: () => void;
}

/** By signal. One listener serves all who wait on it: a signal that lives long is waited on often. */
const listeningTo = new WeakMap<AbortSignal, Listening>();

/**
 * Calls `callback` when `signal` aborts. However many wait on one signal, it has one listener, and none when the last
 * of them has stopped waiting.
 * @returns A function that stops waiting.
 * @internal
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const listening = listeningTo.get(signal) ?? listenTo(signal);
  listening.callbacks.add(callback);
  return () => {
    listening.callbacks.delete(callback);
    if (listening.callbacks.size === 0) listening.stop();
  };
}

function listenTo(signal: AbortSignal): Listening {
  const callbacks = new Set<() => void>();
  // A closure: in Cloudflare Workers with compatibility dates before 2025-08-01 a listener has no `this`.
  const abortAll = (): void => {
    stop();
    for (const callback of callbacks) callback();
  };
  const listening = { callbacks, stop };
  function stop(): void {
    signal.removeEventListener("abort", abortAll);
    if (listeningTo.get(signal) === listening) listeningTo.delete(signal);
  }
  listeningTo.set(signal, listening);
  signal.addEventListener("abort", abortAll);
  return listening;
}

/** A signal that follows others until it is released. */
export interface JoinedSignal {
  readonly signal: AbortSignal;
  /** Stops following. From then on nothing of this is left on the signals that it followed. */
  release(): void;
}

/**
 * Makes a signal that aborts when the first of these does, with its reason. Unlike `AbortSignal.any`, which in Node 20
 * and 22 leaves an entry on a signal that lives on, it can be released.
 *
 * @throws TypeError for what is no signal.
 *
 * @example
 * const joined = joinSignals([request.signal, lifetime]);
 * try {
 *   return await source.getToken({ signal: joined.signal });
 * } finally {
 *   joined.release();
 * }
 */
export function joinSignals(signals: readonly AbortSignal[]): JoinedSignal {
  const controller = new AbortController();
  const releases: (() => void)[] = [];
  const release = (): void => {
    for (const stop of releases.splice(0)) stop();
  };
  for (const signal of signals) {
    const follow = (): void => {
      release();
      controller.abort(signal.reason);
    };
    releases.push(onAbort(signal, follow));
    if (signal.aborted) {
      follow();
      break;
    }
  }
  return { signal: controller.signal, release };
}
