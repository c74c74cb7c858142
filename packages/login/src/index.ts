export { parseReturnTo } from "./addresses/return-to.js";
export {
  checkErrorHandlerOptions,
  type ErrorFacts,
  type ErrorHandlerOptions,
  errorAnswer,
  isContentHeader,
} from "./answers/error-answer.js";
export { LoginFailure, type LoginRestart, PRIVATE_HEADERS } from "./answers/login-failure.js";
export {
  type LoginFacts,
  loginRequired,
  loginRequirement,
  type RequestWithoutTokens,
  type RequireLoginOptions,
} from "./answers/login-required.js";
export { type ReadableRequest, type RequestFacts, readRequestFacts } from "./answers/request-facts.js";
export { checkOptionNames } from "./base/option-names.js";
export { isSameOrigin } from "./base/same-origin.js";
export { toWebHeaders } from "./base/web-headers.js";
export {
  type FrameworkCalls,
  type FrameworkLogin,
  frameworkLogin,
  type LoginOutcome,
  type SignedInUsers,
} from "./framework-login.js";
export { type Login, talkdeskLogin, type Visit } from "./login.js";
export type { ClientOfLogin, LoginLaunch, TalkdeskLoginOptions } from "./routes/login-options.js";
export type { SignedInUser } from "./session/login-records.js";
export type { LoginRecords, LoginSession, OpenSession } from "./session/login-session.js";
export { notedSession } from "./session/request-session.js";
export { type ServerSessionCalls, type ServerSessions, serverSession } from "./session/server-session.js";
export { type StoredSessionOptions, storedSession } from "./session/stored-session.js";
export { type NodeResponse, type RequestTalkdesk, requestTalkdesk } from "./tokens/request-talkdesk.js";
export { isTokenSource, type SourceChoice, sourceChooser } from "./tokens/source-choice.js";
