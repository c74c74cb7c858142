import { parseUrl } from "@talkdesk-oauth/core";
import type { Request } from "express";
import { MAX_RETURN_TO_LENGTH } from "./return-to.js";

/** @throws TypeError for what no browser could be sent to. */
export function checkLoginAddress(login: unknown): void {
  const isAddress =
    typeof login === "string" &&
    !/[\s#\p{Cc}]/u.test(login) &&
    (/^\/(?![/\\])/.test(login) || (/^https?:\/\//.test(login) && parseUrl(login) !== undefined));
  if (!isAddress) throw new TypeError('login must be the address of the login, such as "/auth/login".');
}

/** Whether a request can be made again by opening its address. */
export const isReading = ({ method }: Request): boolean => method === "GET" || method === "HEAD";

/**
 * Where the person behind a request signs in. They come back to the page that they read; what was sent is not sent
 * again. The installation that an AppConnect launch names goes with them.
 */
export function loginAddressFor(login: string, request: Request): string {
  const { originalUrl } = request;
  const parameters = new URLSearchParams();
  // An address that is too long would end at the header limit of the next request.
  const isShort = originalUrl.length <= MAX_RETURN_TO_LENGTH;
  if (isReading(request) && isShort) parameters.set("returnTo", originalUrl);
  const [, query = ""] = originalUrl.split(/\?(.*)/s);
  const installations = new URLSearchParams(query).getAll("talkdesk_installation_id");
  // Also several, which are one too many: to say so is the login's.
  if (isShort || encodeURIComponent(installations.join()).length <= MAX_RETURN_TO_LENGTH) {
    for (const id of installations) parameters.append("talkdesk_installation_id", id);
  }
  if (parameters.size === 0) return login;
  return `${login}${login.includes("?") ? "&" : "?"}${parameters}`;
}
