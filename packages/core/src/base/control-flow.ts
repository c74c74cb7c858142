import { causesOf } from "./causes.js";

/** The `digest` of errors that Next throws, such as `DYNAMIC_SERVER_USAGE` or `NEXT_REDIRECT;replace;/login;307;`. */
const FRAMEWORK_DIGEST = /^(?:[A-Z]+_)+[A-Z]+(?:;|$)/;

/**
 * True for an error that a framework throws to control its own rendering, such as Next from its `fetch` when a page has
 * to be rendered per request. The framework must get that error unchanged: wrapped or retried, it would fail a build.
 *
 * Recognises errors by the marks of Next (`digest`, `code`) and of React (`$$typeof`).
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
