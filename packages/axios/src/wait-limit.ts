import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from "axios";

/** How long a caller of axios waits for all that one request takes: tokens, sending, sending again. */
export interface WaitLimit {
  /** Aborts, with the error that axios would reject with, when the caller cancels or the time is up. */
  readonly signal?: AbortSignal;
  /** What is left of the time, as axios' options for one sending. Throws when nothing is. */
  remaining(): { timeout?: number; timeoutErrorMessage?: string };
  /** Says in an error of `fetch`, which has a message of its own, what the limit was, and not what was left of it. */
  restate(error: AxiosError, sent: InternalAxiosRequestConfig): void;
  clear(): void;
}

const unlimited: WaitLimit = { remaining: () => ({}), restate() {}, clear() {} };

/** @param config The caller's, which its errors show. */
export function waitLimit(config: InternalAxiosRequestConfig): WaitLimit {
  const { signal, cancelToken, timeout = 0, timeoutErrorMessage, transitional } = config;
  if (!signal && !cancelToken && !(timeout > 0)) return unlimited;
  const patience = new AbortController();
  const startedAt = performance.now();
  const message = timeoutErrorMessage || `timeout of ${timeout}ms exceeded`;
  const timedOut = (): AxiosError => {
    const code = transitional?.clarifyTimeoutError ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED;
    return new AxiosError(message, code, config);
  };
  const cancel = (): void => patience.abort(cancelToken?.reason ?? new CanceledError(undefined, config));
  const timer = timeout > 0 ? setTimeout(() => patience.abort(timedOut()), timeout) : undefined;
  if (signal?.aborted || cancelToken?.reason) cancel();
  signal?.addEventListener?.("abort", cancel);
  // Its types leave out what every CancelToken has.
  const cancellation = cancelToken as
    | { subscribe?(listener: () => void): void; unsubscribe?(listener: () => void): void }
    | undefined;
  cancellation?.subscribe?.(cancel);

  return {
    signal: patience.signal,
    remaining() {
      if (timeout <= 0) return {};
      const left = timeout - (performance.now() - startedAt);
      if (left <= 0) throw timedOut();
      return { timeout: Math.ceil(left), timeoutErrorMessage: message };
    },
    restate(error, sent) {
      if (error.message === `timeout of ${sent.timeout}ms exceeded`) error.message = message;
    },
    clear() {
      clearTimeout(timer);
      signal?.removeEventListener?.("abort", cancel);
      cancellation?.unsubscribe?.(cancel);
    },
  };
}
