import { AxiosError, CanceledError, type InternalAxiosRequestConfig } from "axios";

/** Ends a request as the caller's `timeout`, `signal` and `cancelToken` say: the waits for tokens and both sendings. */
export interface WaitLimit {
  /** Aborts with axios' own error when the caller cancels or the time is up. Undefined without a limit. */
  readonly signal: AbortSignal | undefined;
  /** The remaining time, as options for one sending. Throws axios' own error when there is none. */
  remaining(): { timeout?: number; timeoutErrorMessage?: string } | undefined;
  /** Puts the caller's limit into the message of an error, where the adapter `fetch` names what remained of it. */
  restate(error: AxiosError, sent: InternalAxiosRequestConfig): void;
  /** Ends the limit. */
  clear(): void;
}

const UNLIMITED: WaitLimit = { signal: undefined, remaining: () => undefined, restate() {}, clear() {} };

/** @param config The caller's, which the errors show. */
export function startWaitLimit(config: InternalAxiosRequestConfig): WaitLimit {
  const { signal, cancelToken, timeout = 0, timeoutErrorMessage, transitional } = config;
  if (!signal && !cancelToken && !(timeout > 0)) return UNLIMITED;
  const controller = new AbortController();
  const startedAt = performance.now();
  const message = timeoutErrorMessage || `timeout of ${timeout}ms exceeded`;
  const timeoutError = (): AxiosError => {
    const code = transitional?.clarifyTimeoutError ? AxiosError.ETIMEDOUT : AxiosError.ECONNABORTED;
    return new AxiosError(message, code, config);
  };
  const cancel = (): void => controller.abort(cancelToken?.reason ?? new CanceledError(undefined, config));
  const timer = timeout > 0 ? setTimeout(() => controller.abort(timeoutError()), timeout) : undefined;
  if (signal?.aborted || cancelToken?.reason) cancel();
  signal?.addEventListener?.("abort", cancel);
  // Every CancelToken has these methods; its types leave them out.
  const cancellation = cancelToken as
    | { subscribe?(listener: () => void): void; unsubscribe?(listener: () => void): void }
    | undefined;
  cancellation?.subscribe?.(cancel);

  return {
    signal: controller.signal,
    remaining() {
      if (timeout <= 0) return undefined;
      const left = timeout - (performance.now() - startedAt);
      if (left <= 0) throw timeoutError();
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
