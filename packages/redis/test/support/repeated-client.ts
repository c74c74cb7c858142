import type { IoredisClient } from "@talkdesk-oauth/redis";

/**
 * A client that sends each script twice and gives the second answer, as one does that has lost its connection before the
 * first one came.
 */
export function repeatedClient(client: IoredisClient): IoredisClient {
  const twice =
    (command: "evalsha" | "eval"): IoredisClient["eval"] =>
    async (script, keyCount, ...values) => {
      await client[command](script, keyCount, ...values);
      return client[command](script, keyCount, ...values);
    };
  return { evalsha: twice("evalsha"), eval: twice("eval") };
}
