/** Scopes: one string with spaces between the names, or a list. Any name that RFC 6749 §3.3 allows. */
export type Scope = string | readonly string[];

/**
 * One request for a token, with the parameter names of the token endpoint.
 *
 * @see RFC 6749 §4.4.2, §4.1.3 and §6; `token_type` and `expires_in` (seconds) are Talkdesk's, for service tokens
 */
export type Grant =
  | {
      readonly grant_type: "client_credentials";
      readonly scope?: Scope | undefined;
      readonly token_type?: "opaque" | undefined;
      readonly expires_in?: number | undefined;
    }
  | {
      readonly grant_type: "authorization_code";
      readonly code: string;
      readonly redirect_uri: string;
      readonly code_verifier?: string | undefined;
    }
  | {
      readonly grant_type: "refresh_token";
      readonly refresh_token: string;
      readonly scope?: Scope | undefined;
    };

/** Service tokens live between a day and a year (Talkdesk, "Client Credentials - STS token"). @internal */
export const SERVICE_TOKEN_SECONDS = { min: 86_400, max: 31_556_952 };

/** `scope-token` of RFC 6749 §3.3: visible ASCII except `"` and `\`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Checks that `scope` can be requested: names in a list, or in one string with white space between them. All functions of
 * the packages that take a scope check it like this. Use it for a scope in your own options.
 *
 * @throws
 * - TypeError: not a string or a list of strings, no name at all, or a character that a name may not have.
 * @example
 * checkScope("openid  refresh_token"); // fine: two spaces count as one
 * checkScope('say"hi"'); // TypeError
 * @see RFC 6749 §3.3
 */
export function checkScope(scope: unknown): asserts scope is Scope {
  splitScope(scope);
}

/**
 * Splits a scope into its names, each once, in the order given.
 *
 * @throws
 * - TypeError: as {@link checkScope}.
 * @internal
 */
export function splitScope(scope: unknown): string[] {
  const given: unknown = typeof scope === "string" ? [scope] : scope;
  if (!Array.isArray(given) || !given.every((part) => typeof part === "string")) {
    throw new TypeError("scope must be a string or a list of strings.");
  }
  const names = [...new Set(given.flatMap((part: string) => part.split(/[ \t\r\n]+/)))].filter(
    (name) => name !== "",
  );
  if (names.length === 0) {
    throw new TypeError(
      "scope must name at least one scope; leave it out to ask for all that the client may have.",
    );
  }
  const wrong = names.find((name) => !SCOPE_TOKEN.test(name));
  if (wrong !== undefined) {
    throw new TypeError(
      `scope has a name with a character that RFC 6749 does not allow: ${JSON.stringify(wrong)}.`,
    );
  }
  return names;
}
