import type { RecordKeys } from "./record-key.js";
import type { Script } from "./scripts.js";
import { ownError, replyCode, storeError } from "./store-error.js";

/** What a script works on, as node-redis takes it. */
export interface ScriptInput {
  /** The keys that the script reads and writes. */
  readonly keys: string[];
  /** The other arguments of the script. */
  readonly arguments: string[];
}

/** The functions that are used of a client of `redis` (node-redis): single, sentinel, cluster or pool. */
export interface NodeRedisClient {
  /** Runs a script that the server knows, by the SHA-1 of its source. */
  evalSha(sha1: string, input: ScriptInput): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, input: ScriptInput): Promise<unknown>;
}

/** The functions that are used of a client of `ioredis`: a `Redis`, with sentinels or without, or a `Cluster`. */
export interface IoredisClient {
  /** Runs a script that the server knows, by the SHA-1 of its source. */
  evalsha(sha1: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, keyCount: number, ...keysAndArguments: string[]): Promise<unknown>;
}

/** A client of `redis` or of `ioredis`, connected by the application. */
export type RedisClient = NodeRedisClient | IoredisClient;

/** Runs a script and resolves to its answer. Rejects with an error of this package. */
export type RunScript = (script: Script, keys: RecordKeys, values: readonly string[]) => Promise<unknown>;

/**
 * While a slot of a cluster moves to another node, scripts on several keys are refused. They are tried again this often,
 * after so many milliseconds each: the few keys of a slot have moved by then.
 */
const MOVING_SLOT = { retries: 10, pauseMs: 50 };

/**
 * Makes the function that runs scripts on a client.
 *
 * @throws TypeError for a value that is not a client.
 */
export function scriptRunner(client: RedisClient): RunScript {
  const send = sender(client);

  async function run(script: Script, input: ScriptInput): Promise<unknown> {
    try {
      return await send("evalSha", script.sha1, input);
    } catch (error) {
      // A server that was restarted or flushed, or a replica that was promoted, has not seen the script.
      if (replyCode(error) !== "NOSCRIPT") throw error;
      return send("eval", script.source, input);
    }
  }

  return async (script, keys, values) => {
    const input = { keys: script.parts.map((part) => keys[part]), arguments: [...values] };
    for (let retriesLeft = MOVING_SLOT.retries; ; retriesLeft -= 1) {
      try {
        return await run(script, input);
      } catch (error) {
        if (replyCode(error) !== "TRYAGAIN" || retriesLeft === 0) throw storeError(error);
      }
      await new Promise((resolve) => setTimeout(resolve, MOVING_SLOT.pauseMs));
    }
  };
}

type Send = (command: "evalSha" | "eval", script: string, input: ScriptInput) => Promise<unknown>;

function sender(client: RedisClient): Send {
  const candidate = Object(client) as Partial<NodeRedisClient & IoredisClient>;
  if (typeof candidate.eval === "function") {
    if (typeof candidate.evalSha === "function") {
      const nodeRedis = client as NodeRedisClient;
      return (command, script, input) => nodeRedis[command](script, input);
    }
    if (typeof candidate.evalsha === "function") {
      const ioredis = client as IoredisClient;
      return (command, script, { keys, arguments: values }) =>
        ioredis[command === "eval" ? "eval" : "evalsha"](script, keys.length, ...keys, ...values);
    }
  }
  throw notAClient();
}

export const notAClient = (): TypeError =>
  ownError(
    new TypeError(
      "client must be a client of redis or ioredis, such as createClient() of redis or a Redis of ioredis.",
    ),
  );
