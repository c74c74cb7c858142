import { clientCredentials, talkdeskClientFromEnv, userSession } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";
import { callWhenTold } from "./call-when-told.js";
import { APP_KEY, openStore, USER_KEY } from "./open-store.js";

const client = talkdeskClientFromEnv();
const store = await openStore(process.env);

const asApp = talkdeskFetch(clientCredentials(client, { store, key: APP_KEY }));
const asUser = talkdeskFetch(userSession(client, { store, key: USER_KEY }));

callWhenTold(asApp, asUser);
