import { clientCredentials, isTalkdeskError, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const source = clientCredentials(talkdeskClientFromEnv());
const response = await talkdeskFetch(source)("/users?per_page=1");
await source.close();
const error = await source.getToken().catch((reason) => reason);
console.log(response.status, isTalkdeskError(error), error.code);
