export type {
  ErrorHandlerOptions as TalkdeskErrorHandlerOptions,
  LoginFailure,
  LoginLaunch,
  LoginRestart,
  RequestTalkdesk,
  RequireLoginOptions,
  SignedInUser,
} from "@talkdesk-oauth/login";
export { talkdeskErrorHandler } from "./error-handler.js";
export { type ClientOfLogin, type TalkdeskLogin, type TalkdeskLoginOptions, talkdeskLogin } from "./login.js";
export { requireLogin } from "./require-login.js";
export { type SourceOfRequest, talkdesk } from "./talkdesk.js";
