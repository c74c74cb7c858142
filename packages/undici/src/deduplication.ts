import { subscribe } from "node:diagnostics_channel";
import type { Origin } from "@talkdesk-oauth/core";
import { type Dispatcher, interceptors } from "undici";
import { type Caller, usageError } from "./caller.js";

/** The keys of requests that undici's deduplicators hold and that contain no `Authorization`, with their number. */
const joinable = new Map<string, number>();
const NO_DATA = Buffer.alloc(0);
let isWatching = false;
let canPrevent: boolean | undefined;

/**
 * Watches undici's deduplicators. One above the adapter sees no `Authorization`, so it would join the requests of two users
 * and give both the answer of one.
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
 * Whether a deduplicator could join another user's request with this one. If so, call {@link preventJoining}.
 *
 * @throws TypeError when that has no effect in this version of undici.
 */
export function isJoinable({ host }: Origin, path: string): boolean {
  if (joinable.size === 0) return false;
  const written = JSON.stringify(path).slice(1, -1);
  if (![...joinable.keys()].some((key) => key.includes(host) && key.includes(written))) return false;
  canPrevent ??= stopsAtData();
  if (canPrevent) return true;
  throw usageError(
    "interceptors.deduplicate() would join requests of different users: compose it nearer to the network than talkdeskUndici, as in compose(interceptors.deduplicate(), talkdeskUndici(source)).",
  );
}

/** Prevents joins: a deduplicator joins no request to one that has received data, be it an empty chunk. */
export function preventJoining({ handler, controller }: Caller): void {
  try {
    handler.onResponseData?.(controller, NO_DATA);
  } catch {
    // A handler may not expect data yet.
  }
}

/** Tries {@link preventJoining} with this version of undici. */
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
