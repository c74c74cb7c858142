import { type TokenSource, tokenDestination } from "@talkdesk-oauth/core";

/** A source for all requests, or a function that gives the source of one; undefined for a request that gets none. */
export type SourceChoice<Host> =
  | TokenSource
  | ((host: Host) => TokenSource | undefined | Promise<TokenSource | undefined>);

/**
 * Checks what `talkdesk()` of a web framework's package was called with.
 *
 * @throws TypeError for anything but a token source or a function, and for a login, whose `source` was meant.
 * @example
 * checkSourceChoice(source); // a TypeError, unless it is a source or a function
 */
export function checkSourceChoice<Host>(choice: SourceChoice<Host>): void {
  if (isTokenSource(choice)) {
    tokenDestination(choice);
    return;
  }
  if (typeof choice !== "function") {
    throw new TypeError(
      "talkdesk() needs a token source, such as clientCredentials(client), or a function of a request that gives one.",
    );
  }
  if ("source" in choice) {
    throw new TypeError("talkdesk() needs login.source; login itself is for the routes of the login.");
  }
}

/**
 * Checks what a function given to `talkdesk()` has given for a request.
 *
 * @throws TypeError for anything but a token source or undefined.
 * @example
 * const found: unknown = await login.source(session, undefined);
 * checkChosenSource(found); // now TokenSource | undefined
 */
export function checkChosenSource(found: unknown): asserts found is TokenSource | undefined {
  if (found === undefined || (isTokenSource(found) && typeof found.api === "string")) return;
  throw new TypeError(
    "The function given to talkdesk() must give a token source, such as clientCredentials(client), or undefined when no user is signed in.",
  );
}

/**
 * True for something that gives tokens.
 *
 * @example
 * isTokenSource(clientCredentials(client)); // true
 */
export function isTokenSource(value: unknown): value is TokenSource {
  return typeof (value as Partial<TokenSource> | undefined | null)?.getToken === "function";
}
