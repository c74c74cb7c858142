const { clientCredentials, talkdeskClientFromEnv } = require("@talkdesk-oauth/core");
const { talkdeskFetch } = require("@talkdesk-oauth/fetch");

exports.countUsers = async (env) => {
  const response = await talkdeskFetch(clientCredentials(talkdeskClientFromEnv(env)))("/users");
  return (await response.json()).total;
};
