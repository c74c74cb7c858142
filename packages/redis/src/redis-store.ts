import type { StoreLock, TokenStore } from "@talkdesk-oauth/core";
import { notAClient, type RedisClient, scriptRunner } from "./client.js";
import { checkPrefix, checkWellFormed, keysOf, type RecordKeys } from "./record-key.js";
import { DELETE, EVICTION_POLICY, EXTEND, LOCK, READ, RELEASE, type Script, WRITE } from "./scripts.js";
import { codedError } from "./store-error.js";

/** Options of {@link redisStore}. */
export interface RedisStoreOptions {
  /**
   * A client of `redis` or `ioredis`, for one node, sentinels or a cluster. The store opens and closes no connection, so
   * connect the client first, listen to its errors, and close it when the store is no longer used.
   */
  readonly client: RedisClient;
  /**
   * Begins the names of all keys in Redis. Stores of different prefixes share nothing. It has no braces. Default:
   * `"talkdesk-oauth:"`.
   */
  readonly prefix?: string | undefined;
  /** Gets the events of the store. Its errors, rejections included, are ignored. */
  readonly onEvent?: ((event: RedisStoreEvent) => void) | undefined;
}

/**
 * The server may drop records that have not expired when its memory is full, because of its setting `maxmemory-policy`.
 * Users must then log in again. Once per store.
 */
export interface RedisStoreEvent {
  /** Always `"store_warning"`. */
  readonly type: "store_warning";
  /** When it was found, in epoch milliseconds. */
  readonly at: number;
  /** What is wrong, and what to change, in a sentence. */
  readonly message: string;
  /** The setting, such as `allkeys-lru`. */
  readonly evictionPolicy: string;
}

const DEFAULT_PREFIX = "talkdesk-oauth:";

/** The only eviction policy that drops nothing. Records have an end, so those for volatile keys drop them too. */
const SAFE_POLICY = "noeviction";

/**
 * A store in Redis or Valkey, for the processes of many machines. Give it a client that the application has connected; it
 * opens and closes none.
 *
 * Each call is one script, and one round trip. The clock of the server decides when a record or a lock ends. A command
 * that the client sends again, because a connection failed, has no effect the second time. The store has no deadline of
 * its own: a client that queues commands while it is disconnected settles a call when it is back, and the sources of core
 * wait no longer than their `timeoutMs`. While a cluster moves a key to another node, a call is repeated for half a second
 * and then rejects with `TRYAGAIN`.
 *
 * @throws
 * - TypeError at once: `client`, `prefix` or `onEvent` cannot be used; as a rejection: an argument cannot be used.
 * - Error (rejection) with a `code`:
 *   - `store_corrupt` (of `read` and `write`): the record was not written by this package. `delete` removes it.
 *   - `record_newer` (of `read` and `write`): a newer version of this package wrote the record. It is not changed.
 *   - `READONLY`, `OOM`, `CLUSTERDOWN` and other codes of Redis: the server has refused the call.
 *   - `ECONNREFUSED` and other codes of Node, or `connection_failed`: the server could not be asked.
 * @example
 * import { createClient } from "redis";
 *
 * const redis = createClient({ url: "redis://localhost:6379" });
 * redis.on("error", (error) => console.error("Redis:", error.message));
 * await redis.connect();
 * const source = clientCredentials(client, { store: redisStore({ client: redis }), key: "reports" });
 * @see https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
 */
export function redisStore(options: RedisStoreOptions): TokenStore {
  const { client, prefix = DEFAULT_PREFIX, onEvent } = Object(options) as Partial<RedisStoreOptions>;
  const runScript = scriptRunner(client as RedisClient);
  checkPrefix(prefix);
  if (onEvent !== undefined && typeof onEvent !== "function") {
    throw new TypeError("onEvent must be a function.");
  }

  let isPolicyAsked = onEvent === undefined;

  async function run(script: Script, keys: RecordKeys, ...values: readonly string[]): Promise<unknown> {
    const reply = await runScript(script, keys, values);
    // Clients answer nothing with null. One that takes callbacks answers later, if at all.
    if (reply === undefined) throw notAClient();
    if (!isPolicyAsked) {
      isPolicyAsked = true;
      void warnOfEviction(keys);
    }
    return reply;
  }

  /** Never rejects: a server may forbid the question. */
  async function warnOfEviction(keys: RecordKeys): Promise<void> {
    try {
      const reply = await runScript(EVICTION_POLICY, keys, []);
      if (reply === null) return;
      const evictionPolicy = textOf(reply);
      if (evictionPolicy === SAFE_POLICY) return;
      const message = `Redis drops records when its memory is full, and their users must log in again: its maxmemory-policy is ${evictionPolicy}. Set it to ${SAFE_POLICY}.`;
      await onEvent?.(Object.freeze({ type: "store_warning", at: Date.now(), message, evictionPolicy }));
    } catch {
      // Neither a failed question nor a listener that throws changes what the store does.
    }
  }

  return Object.freeze<TokenStore>({
    async read(key) {
      const reply = await run(READ, keysOf(prefix, key));
      if (reply === null) return undefined;
      if (!Array.isArray(reply)) throw notAClient();
      if (reply.length < 2) throw faultIn(reply);
      const [version, value] = reply;
      return { value: textOf(value), version: numberIn(version) };
    },

    async write(key, value, { expectedVersion, fence, expiresAt = Number.POSITIVE_INFINITY }) {
      const keys = keysOf(prefix, key);
      if (typeof value !== "string") throw new TypeError("value must be a string.");
      checkWellFormed("value", value);
      if (!Number.isFinite(expectedVersion) || expectedVersion < 0) {
        throw new TypeError("expectedVersion must be the version of a record, or 0.");
      }
      if (fence !== undefined && !Number.isFinite(fence)) {
        throw new TypeError("fence must be the fence of a lock.");
      }
      if (typeof expiresAt !== "number" || Number.isNaN(expiresAt)) {
        throw new TypeError("expiresAt must be a number of milliseconds since 1970.");
      }
      const end = expiresAt > Number.MAX_SAFE_INTEGER ? "" : String(Math.ceil(Math.max(expiresAt, 0)));
      const fenceText = fence === undefined ? "" : String(fence);
      const id = crypto.randomUUID();
      const reply = await run(WRITE, keys, String(expectedVersion), value, fenceText, end, id);
      if (Array.isArray(reply)) throw faultIn(reply);
      return reply === null ? undefined : numberIn(reply);
    },

    async delete(key) {
      await run(DELETE, keysOf(prefix, key), crypto.randomUUID());
    },

    async lock(key, { ttlMs, signal }) {
      const keys = keysOf(prefix, key);
      checkTtl(ttlMs);
      signal?.throwIfAborted();
      const owner = crypto.randomUUID();
      const release = async (): Promise<void> => {
        await run(RELEASE, keys, owner);
      };
      const taking = run(LOCK, keys, owner, wholeMs(ttlMs));
      let reply: unknown;
      try {
        reply = await untilAborted(taking, signal);
      } catch (error) {
        // The command may run later, or has run and its answer was lost. If this fails too, the lock ends with its time.
        taking
          .catch(() => {})
          .then(release)
          .catch(() => {});
        throw error;
      }
      if (reply === null) return undefined;
      return Object.freeze<StoreLock>({
        fence: numberIn(reply),
        async extend(extendedMs) {
          checkTtl(extendedMs);
          return numberIn(await run(EXTEND, keys, owner, wholeMs(extendedMs))) === 1;
        },
        release,
      });
    },
  });
}

/** Settles as `promise` does, or rejects with the reason of the signal when that is aborted first. */
async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stopListening = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    stopListening = () => signal.removeEventListener("abort", onAbort);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    stopListening();
  }
}

/** The error for a record that a script cannot read. */
function faultIn([fault]: readonly unknown[]): Error {
  if (textOf(fault) === "newer") {
    return codedError(
      "record_newer",
      "The record was written by a newer @talkdesk-oauth/redis. Nothing was changed: update the package.",
    );
  }
  return corrupt();
}

const corrupt = (): Error =>
  codedError("store_corrupt", "The record is not as it was written: something else has changed its key.");

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A text of a reply. A client of node-redis may be set to give buffers. */
function textOf(reply: unknown): string {
  if (typeof reply === "string") return reply;
  if (!(reply instanceof Uint8Array)) throw notAClient();
  try {
    return decoder.decode(reply);
  } catch {
    throw corrupt();
  }
}

/** A number of a reply. The scripts answer with texts, and clients may be set to give integers as texts. */
const numberIn = (reply: unknown): number => (typeof reply === "number" ? reply : Number(textOf(reply)));

function checkTtl(ttlMs: unknown): void {
  if (!Number.isFinite(ttlMs) || (ttlMs as number) <= 0) {
    throw new TypeError("ttlMs must be a number of milliseconds above 0.");
  }
}

/** A duration as Redis takes it. */
const wholeMs = (ms: number): string => String(Math.min(Math.ceil(ms), LONGEST_MS));

/** A longer time overflows when Redis adds it to its clock and scripts add an hour. */
const LONGEST_MS = 2 ** 52;
