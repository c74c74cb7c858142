import { subscribe } from "node:diagnostics_channel";
import { type Dispatcher, interceptors } from "undici";
import { mistake } from "./mistake.js";
import type { Relay } from "./relay.js";

/** What undici's deduplicators wait for without regard to `Authorization`, and how many of them do. */
const joinable = new Map<string, number>();
const NO_DATA = Buffer.alloc(0);
let isWatching = false;
let canStop: boolean | undefined;

/**
 * Watches undici's deduplicators: one that stands above the adapter sees no `Authorization`, so it would join the
 * requests of two users and give the answer of one to both.
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

/**
 * Whether another user's request could be joined with this one: if so, {@link keepAlone}.
 *
 * @throws TypeError when that does not help with this version of undici.
 */
export function isJoinable({ host }: URL, path: string): boolean {
  if (joinable.size === 0) return false;
  const written = JSON.stringify(path).slice(1, -1);
  if (![...joinable.keys()].some((key) => key.includes(host) && key.includes(written))) return false;
  canStop ??= stopsAtData();
  if (canStop) return true;
  throw mistake(
    "interceptors.deduplicate() would join requests of different users: compose it nearer to the network than talkdeskUndici, as in compose(interceptors.deduplicate(), talkdeskUndici(source)).",
  );
}

/** Keeps others from being joined: a deduplicator joins nobody to a request that has got data, even none at all. */
export function keepAlone({ handler, controller }: Relay): void {
  try {
    handler.onResponseData?.(controller, NO_DATA);
  } catch {
    // The client has no place for data yet.
  }
}

/** Tries {@link keepAlone} with this version of undici. */
function stopsAtData(): boolean {
  const sent: Dispatcher.DispatchHandler[] = [];
  const dispatch = interceptors.deduplicate?.()((_request, handler) => sent.push(handler) > 0);
  const request = { origin: "https://api.invalid", path: "/", method: "GET" };
  const controller = { aborted: false, paused: false, reason: null, abort() {}, pause() {}, resume() {} };
  dispatch?.(request, { onRequestStart() {} });
  sent[0]?.onRequestStart?.(controller, {});
  sent[0]?.onResponseData?.(controller, NO_DATA);
  dispatch?.(request, { onRequestStart() {} });
  return sent.length === 2;
}
