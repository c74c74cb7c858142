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

/**
 * A grant that can be requested any number of times. An authorization code can be sent once, and a refresh token may be
 * replaced by its answer.
 * @internal
 */
export type RepeatableGrant = Exclude<Grant, { grant_type: "authorization_code" | "refresh_token" }>;

/** Service tokens live between a day and a year (Talkdesk, "Client Credentials - STS token"). @internal */
export const SERVICE_TOKEN_SECONDS = { min: 86_400, max: 31_556_952 };

/** `scope-token` of RFC 6749 §3.3: visible ASCII except `"` and `\`. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/**
 * Builds the form parameters of a grant: those named here, in this order. Other members of the object are left out.
 *
 * @throws
 * - TypeError: the grant cannot be requested. The error does not repeat its secrets.
 * @internal
 */
export function buildGrantParameters(grant: Grant): URLSearchParams {
  const parameters = new URLSearchParams({ grant_type: String(grant?.grant_type) });
  const add = (name: string, value: unknown): void => {
    if (typeof value !== "string" || value === "")
      throw new TypeError(`${name} must be a string that is not empty.`);
    parameters.set(name, value);
  };
  switch (grant?.grant_type) {
    case "client_credentials":
      if (grant.token_type !== undefined) {
        if (grant.token_type !== "opaque") throw new TypeError('token_type must be "opaque" or absent.');
        parameters.set("token_type", grant.token_type);
      }
      if (grant.scope !== undefined) parameters.set("scope", splitScope(grant.scope).join(" "));
      if (grant.expires_in !== undefined) {
        const { min, max } = SERVICE_TOKEN_SECONDS;
        if (grant.token_type !== "opaque" || !Number.isInteger(grant.expires_in)) {
          throw new TypeError("expires_in must be a whole number of seconds, and is for opaque tokens only.");
        }
        if (grant.expires_in < min || grant.expires_in > max) {
          throw new TypeError(`expires_in must be from ${min} (a day) to ${max} (a year) seconds.`);
        }
        parameters.set("expires_in", String(grant.expires_in));
      }
      return parameters;
    case "authorization_code":
      add("code", grant.code);
      add("redirect_uri", grant.redirect_uri);
      if (grant.code_verifier !== undefined) add("code_verifier", grant.code_verifier);
      return parameters;
    case "refresh_token":
      add("refresh_token", grant.refresh_token);
      if (grant.scope !== undefined) parameters.set("scope", splitScope(grant.scope).join(" "));
      return parameters;
    default:
      // Does not compile while a grant has no case above. At run time, a caller may give anything.
      grant satisfies never;
      throw new TypeError("grant_type must be client_credentials, authorization_code or refresh_token.");
  }
}

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
