/**
 * Something that `next()` takes for an error, whatever was thrown: it goes on as if nothing had happened when given
 * nothing, and leaves the router when given certain words.
 */
export function errorOf(thrown: unknown): object {
  if (typeof thrown === "object" && thrown !== null) return thrown;
  return new Error("Something was thrown that is no error.", { cause: thrown });
}
