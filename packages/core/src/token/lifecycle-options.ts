import type { TokenEvent } from "./token-event.js";

/** How a source keeps its token; the same for every grant. */
export interface LifecycleOptions {
  /**
   * How early a token is renewed in the background, in milliseconds before it expires. At most a tenth of its lifetime
   * counts. With 0, a token is renewed only when callers have to wait for it. Default: 60 000.
   */
  readonly refreshEarlyMs?: number | undefined;
  /** Names the source on each of its events, such as `"reports"` or an account. Not secret. Default: no name. */
  readonly label?: string | undefined;
  /**
   * Called with every event of this source, while a call waits, so it must return fast. Errors that it throws are ignored.
   */
  readonly onEvent?: ((event: TokenEvent) => void) | undefined;
}

const DEFAULT_REFRESH_EARLY_MS = 60_000;

/**
 * Checks the options of a source, and gives them with their defaults.
 *
 * @throws TypeError that names the option that is wrong.
 * @internal
 */
export function checkLifecycleOptions(
  options: LifecycleOptions,
): LifecycleOptions & { readonly refreshEarlyMs: number } {
  const { refreshEarlyMs = DEFAULT_REFRESH_EARLY_MS, label, onEvent } = options;
  if (
    typeof refreshEarlyMs !== "number" ||
    !(refreshEarlyMs >= 0 && refreshEarlyMs < Number.POSITIVE_INFINITY)
  ) {
    throw new TypeError("refreshEarlyMs must be a number of milliseconds, 0 or more.");
  }
  if (onEvent !== undefined && typeof onEvent !== "function")
    throw new TypeError("onEvent must be a function.");
  if (label !== undefined && typeof label !== "string") throw new TypeError("label must be a string.");
  return { refreshEarlyMs, label, onEvent };
}
