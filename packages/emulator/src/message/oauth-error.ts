import { type Answer, jsonAnswer } from "./answer.js";

const noStore = { "cache-control": "no-store", pragma: "no-cache" };

/** Makes an error answer of the token endpoint. */
export function oauthError(
  status: number,
  error: string,
  description: string,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  return jsonAnswer(status, { error, error_description: description }, { ...noStore, ...headers });
}

/** Makes the answer to a client that could not be authenticated. */
export function invalidClient(description: string): Answer {
  return oauthError(401, "invalid_client", description, { "www-authenticate": 'Basic realm="talkdesk"' });
}

/** Makes an error answer of the authorize endpoint, which has a third member and never redirects. */
export function authorizeError(status: number, error: string, description: string): Answer {
  return jsonAnswer(status, { header: "OAuth Error", error, error_description: description }, noStore);
}
