export type {
  LoginFailure,
  LoginLaunch,
  LoginSession,
  RequestTalkdesk,
  RequireLoginOptions,
  SignedInUser,
} from "@talkdesk-oauth/login";
export { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "./error-handler.js";
export { type TalkdeskLogin, type TalkdeskLoginOptions, talkdeskLogin } from "./login.js";
export { type TalkdeskPluginOptions, talkdeskPlugin } from "./plugin.js";
export { requireLogin } from "./require-login.js";
export { type SourceOfRequest, talkdesk } from "./talkdesk.js";
