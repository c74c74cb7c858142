import {
  type AccessToken,
  clientCredentials,
  isTalkdeskError,
  talkdeskClientFromEnv,
} from "@talkdesk-oauth/core";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const source = clientCredentials(talkdeskClientFromEnv());
const token: AccessToken = await source.getToken();
const response: Response = await talkdeskFetch(source)("/users?per_page=1");
await source.close();
const error: unknown = await source.getToken().catch((reason: unknown) => reason);
console.log(response.status, token.type === "Bearer", isTalkdeskError(error) ? error.code : "");
