import * as core from "@talkdesk-oauth/core";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(core).sort()).toEqual([
    "MAX_BUFFERED_BYTES",
    "TalkdeskError",
    "accessToken",
    "bufferedBody",
    "clientCredentials",
    "clientSecretBasic",
    "deserializeToken",
    "discardBody",
    "encryptedStore",
    "finishAuthorization",
    "isTalkdeskError",
    "isTokenRefusal",
    "memoryStore",
    "parseTokenResponse",
    "parseUrl",
    "privateKeyJwt",
    "replayableBody",
    "requestToken",
    "sendAuthorized",
    "serializeToken",
    "serviceToken",
    "startAuthorization",
    "talkdeskClient",
    "talkdeskClientFromEnv",
    "talkdeskEndpoints",
    "tokenDestination",
    "userSession",
  ]);
});
