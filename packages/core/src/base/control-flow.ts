import { causesOf } from "./causes.js";

/** What Next marks its own errors with, such as `DYNAMIC_SERVER_USAGE` or `NEXT_REDIRECT;replace;/login;307;`. */
const FRAMEWORK_DIGEST = /^(?:[A-Z]+_)+[A-Z]+(?:;|$)/;

/**
 * Whether a framework has thrown `error` to steer itself, from a `fetch` or a store that it has replaced: to render a
 * page later, for one. It has to come back to the framework as it is: wrapped or retried, it would fail a build.
 *
 * Known by the marks of Next (`digest`, `code`) and of React (`$$typeof`).
 * @internal
 */
export function isControlFlow(error: unknown): boolean {
  for (const cause of causesOf(error)) {
    const { digest, code, $$typeof } = cause as Record<string, unknown>;
    if (typeof digest === "string" && FRAMEWORK_DIGEST.test(digest)) return true;
    if (typeof code === "string" && code.startsWith("NEXT_")) return true;
    if (typeof $$typeof === "symbol") return true;
  }
  return false;
}
