import { clientCredentials, encryptedStore, talkdeskClientFromEnv, userSession } from "@talkdesk-oauth/core";

/** Prints whether two sessions over one store share a token, and whether a lock has one holder. */
export async function printShared(name, store) {
  // A busy machine may let a store wait.
  const client = talkdeskClientFromEnv(process.env, { timeoutMs: 60_000 });
  const token = await clientCredentials(client).getToken();
  const sessionOver = (options) =>
    userSession(client, {
      store: encryptedStore(store, process.env.CONSUMER_STORE_SECRET),
      key: `${name} ${process.pid}`,
      ...options,
    });
  await sessionOver({ token }).getToken();
  const shared = await sessionOver().getToken();
  const lock = await store.lock("a lock", { ttlMs: 60_000 });
  const another = await store.lock("a lock", { ttlMs: 60_000 });
  await lock.release();
  console.log(name, shared.value === token.value, another === undefined);
}
