/** Deeper than clients nest their errors. The limit ends the walk where an error is its own cause. */
const MAX_CAUSES = 8;

/**
 * Yields an error, its cause, the cause of that, and so on, at most eight in all. It stops at the first value that is
 * not an object.
 * @internal
 */
export function* causesOf(error: unknown): Generator<object, void, undefined> {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === "object" && cause !== null; depth++) {
    yield cause;
    ({ cause } = cause as { cause?: unknown });
  }
}
