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
