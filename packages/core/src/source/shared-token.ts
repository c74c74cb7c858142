import { platformClock } from "../base/clock.js";
import { type Deadline, deadline } from "../base/deadline.js";
import { isTalkdeskError } from "../base/errors.js";
import type { TalkdeskClient } from "../client/client.js";
import type { StoreLock } from "../store/token-store.js";
import type { Grant } from "../token/grant.js";
import type { TokenAnswer, TokenCall, TokenCallContext } from "../token/lifecycle.js";
import { exchange } from "../token-endpoint/request-token.js";
import {
  ask,
  type FoundRecord,
  faultsOnce,
  findRecord,
  pollMs,
  replaceRecord,
  sharedAnswer,
  type TokenPlace,
  takeLock,
} from "./store-access.js";

/** The most that one call of the store may take, in milliseconds and as a share of the whole. */
const STORE_PATIENCE = { ms: 1_000, share: 1 / 4 };

/** After this share of its time, who waits for another process asks for a token of its own. */
const WAIT_SHARE = 1 / 2;

/**
 * The request of a grant whose tokens may be had again at any time: with a `place`, processes share one token, found
 * there or asked for by whoever holds the lock. A store that fails, or is slow, is reported and gone without.
 * @internal
 */
export function repeatableTokenCall(
  client: TalkdeskClient,
  grant: Extract<Grant, { grant_type: "client_credentials" }>,
  scope: readonly string[] | undefined,
  place: TokenPlace | undefined,
): TokenCall["request"] {
  if (place === undefined) return ({ signal }) => exchange(client, grant, { signal });
  return async (callContext) => {
    const context = { ...callContext, report: faultsOnce(callContext.report) };
    const limit = deadline(client.timeoutMs, context.signal, client.clock);
    try {
      return await sharedToken({ client, grant, scope, place, context, limit });
    } finally {
      limit.clear();
    }
  };
}

interface Call {
  readonly client: TalkdeskClient;
  readonly grant: Grant;
  readonly scope: readonly string[] | undefined;
  readonly place: TokenPlace;
  readonly context: TokenCallContext;
  readonly limit: Deadline;
}

async function sharedToken(call: Call): Promise<TokenAnswer> {
  const { client, place, limit } = call;
  let lock: StoreLock | undefined;
  for (;;) {
    const found = await find(call);
    if (found === undefined) return alone(call);
    const shared = answerIn(call, found);
    if (shared !== undefined) return shared;
    const locked = await attempt(call, (patience) => takeLock(place, patience, client.timeoutMs));
    if (locked === undefined) return aloneOr(call, found);
    lock = locked.value;
    if (lock !== undefined) break;
    if (limit.remainingMs() < client.timeoutMs * (1 - WAIT_SHARE)) return aloneOr(call, found);
    await limit.wait(pollMs(client.random ?? Math.random)).catch((reason: unknown) => {
      if (!limit.isPast) throw reason;
    });
  }
  const held = lock;
  try {
    return await renewedToken(call);
  } finally {
    await attempt(call, (patience) => ask(patience, () => held.release()));
  }
}

/** Under the lock: another process may have put a token there just before. */
async function renewedToken(call: Call): Promise<TokenAnswer> {
  const { place, scope } = call;
  const found = await find(call);
  if (found === undefined) return alone(call);
  const shared = answerIn(call, found);
  if (shared !== undefined) return shared;
  const answer = await aloneOr(call, found);
  const { token } = answer;
  if (answer.isShared !== true && token.expiresAt > token.issuedAt) {
    const record = { token, ...(scope !== undefined && { scope }) };
    // When somebody else has written meanwhile, theirs is as good.
    await attempt(call, (patience) =>
      replaceRecord(place, patience, found, record, { endsAt: token.expiresAt }),
    );
  }
  return answer;
}

const alone = ({ client, grant, context, limit }: Call): Promise<TokenAnswer> =>
  exchange(client, grant, { signal: context.signal, limit });

const answerIn = (
  { client, context, scope }: Call,
  found: FoundRecord,
  neededMs = context.neededMs,
): TokenAnswer | undefined =>
  sharedAnswer(found, { ...context, neededMs }, scope, client.clock ?? platformClock);

/** A token of its own; if that fails, what was found, although it ends sooner than it is needed. */
async function aloneOr(call: Call, found: FoundRecord): Promise<TokenAnswer> {
  try {
    return await alone(call);
  } catch (error) {
    const short = answerIn(call, found, 0);
    if (short === undefined || !isTalkdeskError(error)) throw error;
    return short;
  }
}

async function find(call: Call): Promise<FoundRecord | undefined> {
  return (await attempt(call, (patience) => findRecord(call.place, patience, call.context.report)))?.value;
}

/** What a call of the store brought; undefined when it failed, which is reported, or took too long. */
async function attempt<T>(
  { client, context }: Call,
  work: (patience: Deadline) => Promise<T>,
): Promise<{ readonly value: T } | undefined> {
  const patienceMs = Math.min(STORE_PATIENCE.ms, client.timeoutMs * STORE_PATIENCE.share);
  const patience = deadline(patienceMs, context.signal, client.clock);
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
