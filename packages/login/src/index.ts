export { checkLoginAddress } from "./addresses/login-address.js";
export { parseReturnTo } from "./addresses/return-to.js";
export { type ErrorFacts, errorAnswer, isContentHeader } from "./answers/error-answer.js";
export { LoginFailure, type LoginRestart } from "./answers/login-failure.js";
export { type LoginFacts, loginRequired } from "./answers/login-required.js";
export { type ReadableRequest, type RequestFacts, readRequestFacts } from "./answers/request-facts.js";
export { checkOptionNames } from "./base/option-names.js";
export { isSameOrigin } from "./base/same-origin.js";
export { type Login, talkdeskLogin, type Visit } from "./login.js";
export type { ClientOfLogin, LoginLaunch, TalkdeskLoginOptions } from "./routes/login-options.js";
export type { SignedInUser } from "./session/login-records.js";
export type { LoginRecords, LoginSession, OpenSession } from "./session/login-session.js";
export { type ServerSessionCalls, serverSession } from "./session/server-session.js";
export { type StoredSessionOptions, storedSession } from "./session/stored-session.js";
export { bindSource } from "./tokens/bound-source.js";
export {
  checkChosenSource,
  checkSourceChoice,
  isTokenSource,
  type SourceChoice,
} from "./tokens/source-choice.js";
