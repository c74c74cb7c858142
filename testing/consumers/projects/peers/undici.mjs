import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { talkdeskUndici } from "@talkdesk-oauth/undici";
import { Agent, request } from "undici";

const client = talkdeskClientFromEnv();
const dispatcher = new Agent().compose(talkdeskUndici(clientCredentials(client)));
const { statusCode } = await request(`${client.endpoints.api}/users?per_page=1`, { dispatcher });
console.log(statusCode);
await dispatcher.close();
