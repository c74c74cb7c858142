const { clientCredentials, isTalkdeskError, talkdeskClientFromEnv } = require("@talkdesk-oauth/core");
const { talkdeskFetch } = require("@talkdesk-oauth/fetch");

async function main() {
  const source = clientCredentials(talkdeskClientFromEnv());
  const response = await talkdeskFetch(source)("/users?per_page=1");
  await source.close();
  const error = await source.getToken().catch((reason) => reason);
  // The ES module build recognises the error too.
  const other = await import("@talkdesk-oauth/core");
  console.log(response.status, isTalkdeskError(error) && other.isTalkdeskError(error), error.code);
}

void main();
