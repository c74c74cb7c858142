import { platformClock } from "../base/clock.js";
import { isControlFlow } from "../base/control-flow.js";
import { startDeadline } from "../base/deadline.js";
import { copyError, isTalkdeskError, reduceCause, TalkdeskError } from "../base/errors.js";
import { type FetchFunction, type FetchResponse, noStore } from "../base/fetch-function.js";
import { dropBody, readBody, UnreadableBody } from "../base/response-body.js";
import type { TalkdeskClient } from "../client/client.js";
import type { PublishedKey } from "./verification-key.js";

/** The most bytes of a key set that are read: far more than a set of keys needs. */
const MAX_KEY_SET_BYTES = 262_144;

/** How long a key set is used before it is read again. A key that the service withdraws is trusted no longer. */
const FRESH_MS = 600_000;

/** How often a key set is read again for an unknown key, so that forged ID tokens cause few requests. */
const REREADS = { most: 3, withinMs: 30_000 };

/** The key set of one endpoint, as one client has read it. */
interface KeySet {
  readonly url: string;
  readonly fetch: FetchFunction;
  /** When the keys were read, on the monotonic clock. */
  readAt: number;
  keys: readonly PublishedKey[] | undefined;
  /** The request in flight, which all callers share. */
  underWay: Promise<readonly PublishedKey[]> | undefined;
  /** When the keys were read again, on the monotonic clock, oldest first. */
  rereads: readonly number[];
}

const keySets = new WeakMap<TalkdeskClient, KeySet>();

/** The keys, and whether this call read them. */
interface KeysRead {
  readonly keys: readonly PublishedKey[];
  readonly areNew: boolean;
}

/**
 * Returns the service's public keys, which are read again after ten minutes. Not a promise when they need not be read.
 *
 * @throws TalkdeskError (rejection) `id_token_invalid` with `retryable: true` when they could not be read.
 * @internal
 */
export function readKeys(client: TalkdeskClient): KeysRead | Promise<KeysRead> {
  const set = openKeySet(client);
  const clock = client.clock ?? platformClock;
  if (set.keys !== undefined && clock.monotonic() - set.readAt < FRESH_MS) {
    return { keys: set.keys, areNew: false };
  }
  const areNew = set.underWay === undefined;
  return refreshKeySet(set, client).then((keys) => ({ keys, areNew }));
}

/**
 * Reads the keys again, for a token whose key is not among `known`. Returns keys that another call has read since.
 * Undefined when the keys were read again too often recently.
 * @internal
 */
export async function rereadKeys(
  client: TalkdeskClient,
  known: readonly PublishedKey[],
): Promise<readonly PublishedKey[] | undefined> {
  const set = openKeySet(client);
  if (set.underWay !== undefined) return refreshKeySet(set, client);
  if (set.keys !== undefined && set.keys !== known) return set.keys;
  const now = (client.clock ?? platformClock).monotonic();
  const recent = set.rereads.filter((at) => now - at < REREADS.withinMs);
  if (recent.length >= REREADS.most) return undefined;
  set.rereads = [...recent, now];
  return refreshKeySet(set, client);
}

function openKeySet(client: TalkdeskClient): KeySet {
  const url = client.endpoints.jwks;
  const fetch: FetchFunction = client.fetch ?? globalThis.fetch;
  const known = keySets.get(client);
  if (known?.url === url && known.fetch === fetch) return known;
  const set = { url, fetch, readAt: 0, keys: undefined, underWay: undefined, rereads: [] };
  keySets.set(client, set);
  return set;
}

/** Reads the keys. Concurrent calls share one request. */
function refreshKeySet(set: KeySet, client: TalkdeskClient): Promise<readonly PublishedKey[]> {
  set.underWay ??= fetchKeys(set, client).then(
    (keys) => {
      set.keys = keys;
      set.readAt = (client.clock ?? platformClock).monotonic();
      set.underWay = undefined;
      return keys;
    },
    (error: unknown) => {
      set.underWay = undefined;
      throw error;
    },
  );
  return set.underWay.catch((error: unknown) => {
    // An error of its own for each caller.
    throw isTalkdeskError(error) ? copyError(error) : error;
  });
}

async function fetchKeys({ url, fetch }: KeySet, client: TalkdeskClient): Promise<readonly PublishedKey[]> {
  // Without the signal of a caller, since other callers may wait for the same keys.
  const limit = startDeadline(client.timeoutMs, undefined, client.clock);
  try {
    const headers = new Headers({ accept: "application/json" });
    const { signal } = limit;
    const answer = fetch(url, { method: "GET", headers, redirect: "manual", signal, ...noStore() });
    return await limit.race(answer.then((response) => readKeySet(response, url)));
  } catch (error) {
    if (isTalkdeskError(error) || isControlFlow(error)) throw error;
    if (limit.isPast) throw keysLate(client, error);
    if (error instanceof UnreadableBody)
      throw unreadable(url, `came with a body that ${error.message}`, error.cause);
    throw unreadable(url, "could not be reached; check the network", error);
  } finally {
    limit.clear();
  }
}

async function readKeySet(response: FetchResponse, url: string): Promise<readonly PublishedKey[]> {
  const { status, type, redirected } = response;
  if (type === "opaqueredirect" || redirected || (status >= 300 && status < 400)) {
    dropBody(response);
    throw unreadable(url, "answered with a redirect, which is never followed; check endpoints.jwks");
  }
  if (status !== 200) {
    dropBody(response);
    throw unreadable(url, `answered with status ${status}; check endpoints.jwks, or try again later`);
  }
  const body = await readBody(response, MAX_KEY_SET_BYTES);
  if (body === undefined) throw unreadable(url, `are larger than ${MAX_KEY_SET_BYTES} bytes`);
  const keys = parseKeySet(new TextDecoder().decode(body));
  if (keys === undefined) throw unreadable(url, "are not a JSON Web Key Set; check endpoints.jwks");
  return keys;
}

function parseKeySet(text: string): readonly PublishedKey[] | undefined {
  try {
    const { keys } = (JSON.parse(text) ?? {}) as { readonly keys?: unknown };
    if (!Array.isArray(keys)) return undefined;
    // An entry or a member that is null counts as missing.
    return keys.map((key) =>
      Object.fromEntries(Object.entries(Object(key)).filter(([, value]) => value !== null)),
    );
  } catch {
    return undefined;
  }
}

/**
 * The error for keys that did not arrive in time.
 * @internal
 */
export const keysLate = ({ endpoints, timeoutMs }: TalkdeskClient, cause?: unknown): TalkdeskError =>
  unreadable(
    endpoints.jwks,
    `did not come within ${timeoutMs} ms; check the network, or raise timeoutMs`,
    cause,
  );

function unreadable(url: string, what: string, cause?: unknown): TalkdeskError {
  return new TalkdeskError(
    "id_token_invalid",
    `The ID token could not be verified: the keys at ${url} ${what}.`,
    { retryable: true, cause: reduceCause(cause) },
  );
}
