/** Deep enough for every wrapper, and an end for errors that are their own cause. */
const MAX_CAUSES = 8;

/**
 * The objects among an error, its cause, the cause of that, and so on: eight at most.
 * @internal
 */
export function* causesOf(error: unknown): Generator<object, void, undefined> {
  let cause = error;
  for (let depth = 0; depth < MAX_CAUSES && typeof cause === "object" && cause !== null; depth++) {
    yield cause;
    ({ cause } = cause as { cause?: unknown });
  }
}
