import { type Answer, jsonAnswer } from "../message/answer.js";

/** The headers of every answer that holds a token or concerns one (RFC 6749 §5.1). */
export const NO_STORE = { "cache-control": "no-store", pragma: "no-cache" };

/** Makes an error answer of the token endpoint. */
export function oauthError(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = { error, error_description: description };
  return { ...jsonAnswer(status, body, { ...NO_STORE, ...headers }), refusal: `${error}: ${description}` };
}

/** Makes the answer to a client that could not be authenticated. */
export function invalidClient(description: string): Answer {
  return oauthError(401, "invalid_client", description, { "www-authenticate": 'Basic realm="talkdesk"' });
}

/**
 * Makes an error answer that the authorize endpoint shows in place of a redirect. It has a third member, as that of the
 * service has.
 */
export function authorizeError(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const body = { header: "OAuth Error", error, error_description: description };
  return { ...jsonAnswer(status, body, { ...NO_STORE, ...headers }), refusal: `${error}: ${description}` };
}
