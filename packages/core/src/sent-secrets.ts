import { base64, formEncoded } from "./client-authentication.js";
import { withoutPadding } from "./secret-text.js";

/** Parameters and headers of a token request whose values are no secret. */
const PUBLIC_PARAMETERS = new Set([
  "grant_type",
  "scope",
  "token_type",
  "expires_in",
  "redirect_uri",
  "client_id",
  "client_assertion_type",
]);
const PUBLIC_HEADERS = new Set(["accept", "content-type", "user-agent"]);

/** A shorter part of an assertion is none of a signed one, and might be a word of the answer. */
const SHORTEST_PART = 16;

/**
 * A function that replaces, in any text, whatever one request sent in secret, in each form in which an answer may
 * repeat it. It goes by what was sent, so it holds for any client authentication.
 * @internal
 */
export function maskOf(
  headers: Headers,
  body: URLSearchParams,
  alsoSecret: readonly string[] = [],
): (text: string) => string {
  const secrets = new Set<string>();
  const add = (value: string): void => {
    for (const form of formsOf(value)) if (form !== "") secrets.add(form);
  };
  for (const value of alsoSecret) add(value);
  for (const [name, value] of body) {
    if (PUBLIC_PARAMETERS.has(name)) continue;
    add(value);
    // A signed token comes apart at its dots: an answer may repeat its signature alone.
    const parts = name === "client_assertion" ? value.split(".") : [];
    for (const part of parts) if (part.length >= SHORTEST_PART) add(part);
  }
  for (const [name, value] of headers) {
    if (PUBLIC_HEADERS.has(name)) continue;
    add(value);
    const { scheme, credentials } = credentialsOf(value) ?? {};
    if (credentials !== undefined) {
      add(credentials);
      add(withoutPadding(credentials));
    }
    if (scheme?.toLowerCase() === "basic" && credentials !== undefined) {
      const secret = basicSecret(credentials);
      if (secret !== undefined) {
        add(secret);
        add(new URLSearchParams(`v=${secret.replaceAll("&", "%26")}`).get("v") ?? "");
      }
    }
  }
  // The longest first: one secret may be part of another's encoding.
  const ordered = [...secrets].sort((a, b) => b.length - a.length);
  return (text) => ordered.reduce((masked, secret) => masked.replaceAll(secret, "***"), text);
}

/** What `value` may look like in an answer, or in the error of a client that shows its request. */
function formsOf(value: string): string[] {
  const percentEncoded = [encodeURIComponent(value), formEncoded(value)];
  const lowerCase = percentEncoded.map(lowerCaseCodes);
  const unpadded = withoutPadding(base64(value));
  const base64url = unpadded.replaceAll("+", "-").replaceAll("/", "_");
  return [value, JSON.stringify(value).slice(1, -1), ...percentEncoded, ...lowerCase, unpadded, base64url];
}

/** With the hexadecimal digits of each percent-encoded byte in lower case. */
function lowerCaseCodes(percentEncoded: string): string {
  const [plain, ...coded] = percentEncoded.split("%");
  return [plain, ...coded.map((part) => part.slice(0, 2).toLowerCase() + part.slice(2))].join("%");
}

/**
 * The two words of an `Authorization` header; undefined for a bare token.
 * @internal
 */
export function credentialsOf(
  header: string,
): { readonly scheme: string; readonly credentials: string } | undefined {
  const end = header.indexOf(" ");
  const credentials = end < 0 ? "" : header.slice(end).trim();
  return end <= 0 || credentials === "" ? undefined : { scheme: header.slice(0, end), credentials };
}

/**
 * The secret in the credentials of a Basic header; undefined when they are not readable as such.
 * @internal
 */
export function basicSecret(credentials: string): string | undefined {
  try {
    const bytes = Uint8Array.from(atob(credentials), (character) => character.charCodeAt(0));
    const pair = new TextDecoder().decode(bytes);
    return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : undefined;
  } catch {
    return undefined;
  }
}
