import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";
import { startEmulator } from "@talkdesk-oauth/emulator";
import { talkdeskFetch } from "@talkdesk-oauth/fetch";

const talkdesk = await startEmulator();
const source = clientCredentials(talkdeskClientFromEnv(talkdesk.environment()));
const { status } = await talkdeskFetch(source)("/users?per_page=1");
const { code } = await talkdesk.authorize({ scope: "openid refresh_token" });
console.log(status, typeof code);
await talkdesk.stop();
