import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { source } from "./core.js";

const api: typeof fetch = talkdeskFetch(source, { origins: ["https://files.example.com"] });
// `undici.fetch` and others that follow the standard.
export const ofAnother = talkdeskFetch(source, { fetch: (input, init) => fetch(input, init) });

export async function countUsers(signal: AbortSignal): Promise<number> {
  const response: Response = await api("/users?per_page=1", { signal });
  const { total } = (await response.json()) as { total: number };
  return total;
}
