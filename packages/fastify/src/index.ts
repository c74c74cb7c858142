export type { LoginFailure, LoginLaunch, LoginSession, SignedInUser } from "@talkdesk-oauth/login";
export { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "./error-handler.js";
export { type TalkdeskLogin, type TalkdeskLoginOptions, talkdeskLogin } from "./login.js";
export { type TalkdeskPluginOptions, talkdeskPlugin } from "./plugin.js";
export { type RequireLoginOptions, requireLogin } from "./require-login.js";
export { type RequestTalkdesk, type SourceOfRequest, talkdesk } from "./talkdesk.js";
