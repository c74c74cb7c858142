import { clientCredentials, talkdeskClientFromEnv } from "@talkdesk-oauth/core";

// Nothing but the token call keeps this process alive.
await clientCredentials(talkdeskClientFromEnv())
  .getToken()
  .catch((error) => console.log(error.code));
