export {
  type AccessToken,
  type AccessTokenOptions,
  accessToken,
  deserializeToken,
  serializeToken,
} from "./access-token.js";
export {
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  type FinishAuthorizationOptions,
  finishAuthorization,
  type LoginClient,
  type PendingAuthorization,
  type StartAuthorizationOptions,
  startAuthorization,
} from "./authorization.js";
export { checkClient, type TalkdeskClient, type TalkdeskClientOptions, talkdeskClient } from "./client.js";
export {
  type ClientAuthentication,
  type ClientSecretBasicOptions,
  clientSecretBasic,
} from "./client-authentication.js";
export { type ClientCredentialsOptions, clientCredentials } from "./client-credentials.js";
export { talkdeskClientFromEnv } from "./client-from-env.js";
export type { Clock } from "./clock.js";
export { encryptedStore } from "./encrypted-store.js";
export { type Endpoints, type Region, secureUrl, talkdeskEndpoints } from "./endpoints.js";
export {
  isTalkdeskError,
  TalkdeskError,
  type TalkdeskErrorCode,
  type TalkdeskErrorOptions,
} from "./errors.js";
export type { FetchFunction, FetchInit, FetchResponse } from "./fetch-function.js";
export { refuseDetour } from "./fetch-route.js";
export { checkScope, type Grant, type Scope } from "./grant.js";
export type { IdTokenClaims } from "./id-token.js";
export type { LifecycleOptions } from "./lifecycle.js";
export { type MemoryStoreOptions, memoryStore } from "./memory-store.js";
export { parseUrl } from "./parse-url.js";
export { type PrivateKeyJwtOptions, privateKeyJwt } from "./private-key-jwt.js";
export { bufferedBody, type RequestBody, replayableBody } from "./request-body.js";
export { requestToken } from "./request-token.js";
export { retryAfterMs } from "./retry-after.js";
export { checkSecret } from "./secret-strength.js";
export {
  type AuthorizedRequest,
  discardBody,
  isRefusalError,
  isTokenRefusal,
  MAX_BUFFERED_BYTES,
  MAX_DISCARD_MS,
  sendAuthorized,
} from "./send-authorized.js";
export { type ServiceTokenOptions, serviceToken } from "./service-token.js";
export { type JoinedSignal, joinSignals } from "./shared-abort.js";
export type { SigningAlgorithm } from "./signing-key.js";
export { type AdapterOptions, tokenDestination } from "./token-destination.js";
export type {
  GateClosed,
  GateOpened,
  ServedStale,
  SessionEnded,
  StoreFailed,
  TokenEvent,
  TokenFailed,
  TokenReceived,
  TokenRejected,
  TokenRequested,
} from "./token-event.js";
export { parseTokenResponse, type TokenResponse, type TokenResponseContext } from "./token-response.js";
export type { ClosableTokenSource, TokenRequest, TokenSource } from "./token-source.js";
export { checkTokenStore, type StoredToken, type StoreLock, type TokenStore } from "./token-store.js";
export { type UserSession, type UserSessionOptions, userSession } from "./user-session.js";
