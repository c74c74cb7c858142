export type { LoginFailure, LoginLaunch, LoginRestart, SignedInUser } from "@talkdesk-oauth/login";
export { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "./error-handler.js";
export { type ClientOfLogin, type TalkdeskLogin, type TalkdeskLoginOptions, talkdeskLogin } from "./login.js";
export type { RequestTalkdesk } from "./request-talkdesk.js";
export { type RequireLoginOptions, requireLogin } from "./require-login.js";
export { type SourceOfRequest, talkdesk } from "./talkdesk.js";
