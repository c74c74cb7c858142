const CLIENT_CREDENTIALS =
  'export { clientCredentials, clientSecretBasic, talkdeskClient } from "@talkdesk-oauth/core";';
const LOGIN = 'export { clientSecretBasic, memoryStore, talkdeskClient } from "@talkdesk-oauth/core";';

/** Common uses of the packages: what a program imports for each. */
export const USES = {
  "client credentials": CLIENT_CREDENTIALS,
  "client credentials with fetch": `${CLIENT_CREDENTIALS}
    export { talkdeskFetch } from "@talkdesk-oauth/fetch";`,
  "client credentials with a private key and fetch": `
    export { clientCredentials, privateKeyJwt, talkdeskClient } from "@talkdesk-oauth/core";
    export { talkdeskFetch } from "@talkdesk-oauth/fetch";`,
  "client credentials with axios": `${CLIENT_CREDENTIALS}
    export { talkdeskAxios } from "@talkdesk-oauth/axios";`,
  "client credentials with undici": `${CLIENT_CREDENTIALS}
    export { talkdeskUndici } from "@talkdesk-oauth/undici";`,
  "client credentials over Redis with fetch": `${CLIENT_CREDENTIALS}
    export { talkdeskFetch } from "@talkdesk-oauth/fetch";
    export { redisStore } from "@talkdesk-oauth/redis";`,
  finishAuthorization: 'export { finishAuthorization } from "@talkdesk-oauth/core";',
  "startAuthorization, finishAuthorization and userSession": `
    export { clientSecretBasic, finishAuthorization, startAuthorization, talkdeskClient, userSession } from "@talkdesk-oauth/core";`,
  "a login on Web requests": `${LOGIN}
    export { talkdeskLogin } from "@talkdesk-oauth/login";`,
  "a login in Express": `${LOGIN}
    export { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/express";`,
  "a login in Hono": `${LOGIN}
    export { requireLogin, talkdesk, talkdeskErrorHandler, talkdeskLogin } from "@talkdesk-oauth/hono";`,
  "a login in Fastify": `${LOGIN}
    export { requireLogin, talkdeskLogin, talkdeskPlugin } from "@talkdesk-oauth/fastify";`,
};
