import { callForJson, textIn } from "./api-call.js";

/** The user who is signed in. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** Asks who the token belongs to. */
export async function ownUser(fetch: typeof globalThis.fetch): Promise<User> {
  const { id, sub, name, email } = await callForJson(fetch, "/users/me", { what: "your profile" });
  return { id: textIn(id ?? sub), name: textIn(name), email: textIn(email) };
}
