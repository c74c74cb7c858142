import { parseReturnTo } from "@talkdesk-oauth/login";
import type { Request } from "express";

/** The routes of the login: the address of a callback contains a code. */
const LOGIN_PATHS = ["/auth/login", "/auth/callback", "/auth/logout"];

/**
 * The page to return to after a failure: the page that failed, or `/` when that is an address of the login. A form has a
 * page at the same address.
 */
export function returnPath({ originalUrl }: Pick<Request, "originalUrl">): string {
  return parseReturnTo(originalUrl, LOGIN_PATHS) ?? "/";
}
