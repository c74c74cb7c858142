/** Who waits on which signal. One listener serves all of them: a signal that lives long is waited on often. */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` when `signal` aborts. However many wait on one signal, it has one listener, and none when the last
 * of them has stopped waiting.
 * @returns A function that stops waiting.
 * @internal
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let callbacks = waiting.get(signal);
  if (callbacks === undefined) {
    callbacks = new Set();
    waiting.set(signal, callbacks);
    signal.addEventListener("abort", abortAll);
  }
  callbacks.add(callback);
  return () => {
    callbacks.delete(callback);
    if (callbacks.size === 0 && waiting.get(signal) === callbacks) forget(signal);
  };
}

function forget(signal: AbortSignal): void {
  waiting.delete(signal);
  signal.removeEventListener("abort", abortAll);
}

function abortAll(this: AbortSignal): void {
  const callbacks = waiting.get(this);
  forget(this);
  for (const callback of callbacks ?? []) callback();
}
