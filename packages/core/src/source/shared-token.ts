import { platformClock } from "../base/clock.js";
import { type Deadline, startDeadline } from "../base/deadline.js";
import { isTalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { StoreLock } from "../store/token-store.js";
import type { SourceGrant, TokenAnswer, TokenCallContext } from "../token/token-call.js";
import type { GrantRequest } from "../token-endpoint/grant-request.js";
import { exchange } from "../token-endpoint/request-token.js";
import {
  answerFromRecord,
  ask,
  type FoundRecord,
  findRecord,
  pollMs,
  replaceRecord,
  reportFaultsOnce,
  type TokenPlace,
  takeLock,
} from "./store-access.js";
import type { TokenRecord } from "./token-record.js";

/** How long one call of the store may take: this many milliseconds, and no more than this share of `timeoutMs`. */
const STORE_PATIENCE = { ms: 1_000, share: 1 / 4 };

/** After this share of `timeoutMs`, a process stops waiting for another one and asks for a token of its own. */
const WAIT_SHARE = 1 / 2;

/**
 * Makes the request of a repeatable grant, as the lifecycle of a source wants it.
 *
 * With a `place`, processes share one token: it is found there, or requested by the process that holds the lock. When the
 * store fails or is slow, that is reported, and the process goes on alone.
 *
 * @param prepare Makes the request of one token call, so that a source keeps none while it is idle.
 * @internal
 */
export function createSharedRequest(
  client: TalkdeskClient,
  prepare: () => GrantRequest,
  scope: readonly string[] | undefined,
  place: TokenPlace | undefined,
): SourceGrant["request"] {
  if (place === undefined) return async ({ signal }) => exchange(client, prepare(), { signal });
  return async (callContext) => {
    const context = { ...callContext, report: reportFaultsOnce(callContext.report) };
    const limit = startDeadline(client.timeoutMs, context.signal, client.clock);
    try {
      return await shareToken({ client, request: prepare(), scope, place, context, limit });
    } finally {
      limit.clear();
    }
  };
}

/** One token call of a source that shares its token. */
interface SharedTokenCall {
  readonly client: TalkdeskClient;
  readonly request: GrantRequest;
  readonly scope: readonly string[] | undefined;
  readonly place: TokenPlace;
  readonly context: TokenCallContext;
  readonly limit: Deadline;
}

async function shareToken(call: SharedTokenCall): Promise<TokenAnswer> {
  const { client, place, limit } = call;
  let lock: StoreLock | undefined;
  for (;;) {
    const found = await findToken(call);
    if (found === undefined) return requestToken(call);
    const shared = answerFrom(call, found);
    if (shared !== undefined) return shared;
    const locked = await tryStore(call, (patience) => takeLock(place, patience, client.timeoutMs));
    if (locked === undefined) return requestOrFallBack(call, found);
    lock = locked.value;
    if (lock !== undefined) break;
    const waitedMs = client.timeoutMs - limit.remainingMs();
    if (waitedMs > client.timeoutMs * WAIT_SHARE) return requestOrFallBack(call, found);
    await limit.wait(pollMs(client.random ?? Math.random, waitedMs)).catch((reason: unknown) => {
      if (!limit.isPast) throw reason;
    });
  }
  const held = lock;
  try {
    return await requestUnderLock(call);
  } finally {
    await tryStore(call, (patience) => ask(patience, () => held.release()));
  }
}

async function requestUnderLock(call: SharedTokenCall): Promise<TokenAnswer> {
  const { scope } = call;
  // Another process may have stored a token just before it released the lock.
  const found = await findToken(call);
  if (found === undefined) return requestToken(call);
  const shared = answerFrom(call, found);
  if (shared !== undefined) return shared;
  const answer = await requestOrFallBack(call, found);
  const { token } = answer;
  if (answer.isShared !== true && token.expiresAt > token.issuedAt) {
    await tryStore(call, (patience) => storeToken(call, found, { token, scope }, patience));
  }
  return answer;
}

/** Stores a token for the other processes. When one of them has stored another meanwhile, that serves as well. */
async function storeToken(
  { place, context }: SharedTokenCall,
  found: FoundRecord,
  record: TokenRecord,
  patience: Deadline,
): Promise<void> {
  const options = { endsAt: record.token.expiresAt };
  if (await replaceRecord(place, patience, found, record, options)) return;
  // The record that was found may have expired since.
  const now = await findRecord(place, patience, context.report);
  if (now.version === 0) await replaceRecord(place, patience, now, record, options);
}

const requestToken = ({ client, request, context, limit }: SharedTokenCall): Promise<TokenAnswer> =>
  exchange(client, request, { signal: context.signal, limit });

/** Requests a token. If that fails, the token that was found is the answer, although it ends sooner than it is needed. */
async function requestOrFallBack(call: SharedTokenCall, found: FoundRecord): Promise<TokenAnswer> {
  try {
    return await requestToken(call);
  } catch (error) {
    const short = answerFrom(call, found, 0);
    if (short === undefined || !isTalkdeskError(error)) throw error;
    return short;
  }
}

const answerFrom = (
  { client, context, scope }: SharedTokenCall,
  found: FoundRecord,
  neededMs = context.neededMs,
): TokenAnswer | undefined =>
  answerFromRecord(found, { ...context, neededMs }, scope, client.clock ?? platformClock);

async function findToken(call: SharedTokenCall): Promise<FoundRecord | undefined> {
  return (await tryStore(call, (patience) => findRecord(call.place, patience, call.context.report)))?.value;
}

/**
 * Calls the store. Resolves to undefined when it fails or takes too long, which is reported. Once the time of the call is
 * up, the store is told without waiting for its answer.
 */
async function tryStore<T>(
  { client, context, limit }: SharedTokenCall,
  work: (patience: Deadline) => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const patienceMs = Math.min(
    STORE_PATIENCE.ms,
    client.timeoutMs * STORE_PATIENCE.share,
    Math.max(0, limit.remainingMs()),
  );
  const patience = startDeadline(patienceMs, context.signal, client.clock);
  try {
    return { value: await work(patience) };
  } catch (error) {
    if (!isTalkdeskError(error)) throw error;
    context.report("store_failed", error);
    return undefined;
  } finally {
    patience.clear();
  }
}
