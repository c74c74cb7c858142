export { type TalkdeskErrorHandlerOptions, talkdeskErrorHandler } from "./error-handler.js";
export { type TalkdeskLogin, talkdeskLogin } from "./login.js";
export type { ClientOfLogin, LoginLaunch, TalkdeskLoginOptions } from "./login-options.js";
export type { RequestTalkdesk } from "./request-talkdesk.js";
export { type RequireLoginOptions, requireLogin } from "./require-login.js";
export type { SignedInUser } from "./session-record.js";
export { type SourceOfRequest, talkdesk } from "./talkdesk.js";
