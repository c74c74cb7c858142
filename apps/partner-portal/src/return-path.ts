import type { Request } from "express";

/** Where to go on after a failure: where the person was. A form has a page of the same address; the login has none. */
export function returnPath({ originalUrl }: Pick<Request, "originalUrl">): string {
  // Two slashes at the beginning would lead to another host, and the address of a callback holds a code.
  return /^\/(?![/\\]|auth\/)/i.test(originalUrl) ? originalUrl : "/";
}
