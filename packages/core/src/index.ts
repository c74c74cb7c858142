export { discardBody, MAX_DISCARD_MS } from "./adapter/discard-body.js";
export { refuseDetour } from "./adapter/fetch-route.js";
export {
  bufferBody,
  captureBody,
  MAX_BUFFERED_BYTES,
  type RequestBody,
} from "./adapter/request-body.js";
export { type AuthorizedRequest, sendAuthorized } from "./adapter/send-authorized.js";
export {
  type AdapterOptions,
  isLoopbackAddress,
  type Origin,
  type TokenDestination,
  tokenDestination,
} from "./adapter/token-destination.js";
export { isRefusalError, isTokenRefusal } from "./adapter/token-refusal.js";
export {
  type FinishAuthorizationOptions,
  finishAuthorization,
  type PendingAuthorization,
  type StartAuthorizationOptions,
  startAuthorization,
} from "./authorization/authorization.js";
export { type EndUserSessionOptions, endUserSession } from "./authorization/end-user-session.js";
export type { IdTokenClaims } from "./authorization/id-token.js";
export {
  checkIssuers,
  checkLoginClient,
  checkRedirectUri,
  type LoginClient,
} from "./authorization/login-checks.js";
export type { Clock } from "./base/clock.js";
export { encodeBase64url } from "./base/encodings.js";
export {
  findTalkdeskError,
  isTalkdeskError,
  TalkdeskError,
  type TalkdeskErrorCode,
  type TalkdeskErrorOptions,
} from "./base/errors.js";
export type { FetchFunction, FetchInit, FetchResponse } from "./base/fetch-function.js";
export type { AnswerHeaders } from "./base/header-value.js";
export { parseUrl } from "./base/parse-url.js";
export { parseSecureUrl } from "./base/secure-url.js";
export { type JoinedSignal, joinSignals } from "./base/shared-abort.js";
export {
  checkClient,
  type TalkdeskClient,
  type TalkdeskClientOptions,
  talkdeskClient,
} from "./client/client.js";
export {
  type ClientAuthentication,
  type ClientSecretBasicOptions,
  clientSecretBasic,
} from "./client/client-authentication.js";
export { talkdeskClientFromEnv } from "./client/client-from-env.js";
export { type Endpoints, type Region, talkdeskEndpoints } from "./client/endpoints.js";
export { type PrivateKeyJwtOptions, privateKeyJwt } from "./client/private-key-jwt.js";
export { type PublicClientOptions, publicClient } from "./client/public-client.js";
export type { PlatformCryptoKey, SigningAlgorithm } from "./keys/signing-key.js";
export { type ClientCredentialsOptions, clientCredentials } from "./source/client-credentials.js";
export { type ServiceTokenOptions, serviceToken } from "./source/service-token.js";
export { type SourcePool, type SourcePoolOptions, sourcePool } from "./source/source-pool.js";
export { type UserSession, type UserSessionOptions, userSession } from "./source/user-session.js";
export { encryptedStore } from "./store/encrypted-store.js";
export { type MemoryStoreOptions, memoryStore } from "./store/memory-store.js";
export { checkSecret } from "./store/secret-strength.js";
export { checkTokenStore, type StoredToken, type StoreLock, type TokenStore } from "./store/token-store.js";
export {
  type AccessToken,
  type AccessTokenOptions,
  accessToken,
  deserializeToken,
  serializeToken,
} from "./token/access-token.js";
export { checkScope, type Grant, type Scope } from "./token/grant.js";
export type { LifecycleOptions } from "./token/lifecycle-options.js";
export type {
  GateClosed,
  GateOpened,
  ServedStale,
  SessionEnded,
  StoreFailed,
  TokenEvent,
  TokenEventOf,
  TokenFailed,
  TokenReceived,
  TokenRejected,
  TokenRequested,
  TokenWithheld,
} from "./token/token-event.js";
export {
  type ClosableTokenSource,
  sourceAddresses,
  type TokenRequest,
  type TokenSource,
} from "./token/token-source.js";
export { requestToken } from "./token-endpoint/request-token.js";
export { retryAfterMs } from "./token-endpoint/retry-after.js";
export {
  parseTokenResponse,
  type TokenResponse,
  type TokenResponseContext,
} from "./token-endpoint/token-response.js";
