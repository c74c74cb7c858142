export { talkdeskErrorHandler } from "@talkdesk-oauth/express";
