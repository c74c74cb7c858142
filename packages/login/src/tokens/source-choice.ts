import { type TokenSource, tokenDestination } from "@talkdesk-oauth/core";

/** A source for all requests, or a function that gives the source of one; undefined for a request that gets none. */
export type SourceChoice<Host> =
  | TokenSource
  | ((host: Host) => TokenSource | undefined | Promise<TokenSource | undefined>);

/**
 * Makes the function that gives a request's source, from what `talkdesk()` of a web framework's package was called with.
 *
 * @throws TypeError
 *   - at once, for anything but a token source or a function, and for a login, whose `source` was meant;
 *   - (rejection) when the given function gives anything but a token source or undefined.
 * @example
 * const sourceOf = sourceChooser((request: Request) => (request.headers.has("X-Tenant") ? source : undefined));
 * const found = await sourceOf(request);
 */
export function sourceChooser<Host>(
  choice: SourceChoice<Host>,
): (host: Host) => Promise<TokenSource | undefined> {
  if (isTokenSource(choice)) {
    tokenDestination(choice);
    return async () => choice;
  }
  if (typeof choice !== "function") {
    throw new TypeError(
      "talkdesk() needs a token source, such as clientCredentials(client), or a function of a request that gives one.",
    );
  }
  if ("source" in choice) {
    throw new TypeError("talkdesk() needs login.source; login itself is for the routes of the login.");
  }
  return async (host) => {
    const found: unknown = await choice(host);
    if (found === undefined || (isTokenSource(found) && typeof found.api === "string")) return found;
    throw new TypeError(
      "The function given to talkdesk() must give a token source, such as clientCredentials(client), or undefined when no user is signed in.",
    );
  };
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
