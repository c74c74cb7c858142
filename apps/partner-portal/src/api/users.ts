import { callForJson, readText } from "./api-call.js";

/** A Talkdesk user. Members that Talkdesk left out are empty. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** Fetches the user to whom the token belongs. */
export async function fetchOwnUser(fetch: typeof globalThis.fetch, signal?: AbortSignal): Promise<User> {
  const options = { what: "your profile", ...(signal && { signal }) };
  const { id, sub, name, email } = await callForJson(fetch, "/users/me", options);
  return { id: readText(id ?? sub), name: readText(name), email: readText(email) };
}
