/** The callbacks that wait on one signal, and how to stop listening to it. */
interface Listening {
  readonly callbacks: Set<() => void>;
  readonly stop: () => void;
}

/** By signal. One shared listener avoids the warning about too many listeners on long-lived signals. */
const listeningTo = new WeakMap<AbortSignal, Listening>();

/**
 * Calls `callback` when `signal` aborts. All callbacks of a signal share one listener, which is removed with the last of
 * them.
 *
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
  // A closure, since listeners have no `this` in Cloudflare Workers with compatibility dates before 2025-08-01.
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

/** A signal that aborts with others until it is released. */
export interface JoinedSignal {
  /** Aborted with the reason of the first signal that is. */
  readonly signal: AbortSignal;
  /** Stops following the other signals, and leaves nothing on them. */
  release(): void;
}

/**
 * Makes a signal that aborts when the first of these does, with its reason. It can be released, unlike a signal of
 * `AbortSignal.any`, which in Node 20 and 22 leaves an entry on long-lived signals.
 *
 * @throws TypeError for a value that is not an `AbortSignal`.
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
