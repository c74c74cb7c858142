import { callForJson, readText } from "./api-call.js";

/** A Talkdesk user. Members that Talkdesk left out are empty. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** Fetches the user to whom the token belongs. */
export async function fetchOwnUser(fetch: typeof globalThis.fetch): Promise<User> {
  const { id, sub, name, email } = await callForJson(fetch, "/users/me", { what: "your profile" });
  return { id: readText(id ?? sub), name: readText(name), email: readText(email) };
}
