import { subscribe } from "node:diagnostics_channel";
import { mistake } from "./mistake.js";

/** What undici's deduplicate interceptor is waiting for without a regard to `Authorization`, and how many times. */
const joinable = new Map<string, number>();
let isWatching = false;

/**
 * Watches undici's deduplicate interceptors: one that stands above the adapter sees no `Authorization`, so it would join
 * the requests of two users and give one's answer to both.
 */
export function watchDeduplication(): void {
  if (isWatching) return;
  isWatching = true;
  subscribe("undici:request:pending-requests", (message) => {
    const { key, type } = message as { key: string; type: "added" | "removed" };
    if (/\bauthorization["=]/i.test(key)) return;
    const count = (joinable.get(key) ?? 0) + (type === "added" ? 1 : -1);
    if (count > 0) joinable.set(key, count);
    else joinable.delete(key);
  });
}

/** @throws TypeError for a request that another user's could be joined with. */
export function checkNotJoined({ host }: URL, path: string): void {
  if (joinable.size === 0) return;
  const written = JSON.stringify(path).slice(1, -1);
  for (const key of joinable.keys()) {
    if (!key.includes(host) || !key.includes(written)) continue;
    throw mistake(
      "interceptors.deduplicate() would join requests of different users: compose it nearer to the network than talkdeskUndici, as in compose(interceptors.deduplicate(), talkdeskUndici(source)).",
    );
  }
}
