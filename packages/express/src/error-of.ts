/**
 * Makes anything that was thrown into something that `next()` treats as an error. `next(undefined)` would go on as if
 * nothing had happened, and `next("route")` would leave the router.
 */
export function errorOf(thrown: unknown): object {
  if (typeof thrown === "object" && thrown !== null) return thrown;
  return new Error("A value that is not an error object was thrown.", { cause: thrown });
}
