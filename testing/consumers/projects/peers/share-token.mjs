// `node share-token.mjs CLIENT`: two sources over one store share one token.
import { clientCredentials, encryptedStore, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { openStore } from "./stores.mjs";

const { store: plain, close } = await openStore(process.argv[2]);
const store = encryptedStore(plain, process.env.CONSUMER_STORE_SECRET);
const client = talkdeskClientFromEnv();
const [first, second] = [1, 2].map(() => clientCredentials(client, { store, key: "shared" }));
const { value } = await first.getToken();
console.log((await second.getToken()).value === value);
await Promise.all([first.close(), second.close()]);
await close();
