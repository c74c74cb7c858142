import type { Request } from "express";

/**
 * The page to return to after a failure: the page that failed, or `/` when that is an address of the login. A form has a
 * page at the same address.
 */
export function returnPath({ originalUrl }: Pick<Request, "originalUrl">): string {
  // Two slashes at the beginning would lead to another host, and the address of a callback contains a code.
  return /^\/(?![/\\]|auth\/)/i.test(originalUrl) ? originalUrl : "/";
}
