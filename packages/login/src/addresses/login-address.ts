import { parseUrl } from "@talkdesk-oauth/core";
import { queryIn } from "../base/query.js";
import { MAX_RETURN_TO_LENGTH } from "./return-to.js";

/**
 * Checks the address of a login that an app was given: a path on its own origin, or a whole address elsewhere.
 *
 * @throws TypeError for anything that a browser could not be sent to.
 * @example
 * checkLoginAddress("/auth/login"); // fine
 * checkLoginAddress("auth/login"); // TypeError
 */
export function checkLoginAddress(login: unknown): asserts login is string {
  const isAddress =
    typeof login === "string" &&
    !/[\s#\p{Cc}]/u.test(login) &&
    (/^\/(?![/\\])/.test(login) || (/^https?:\/\//.test(login) && parseUrl(login) !== undefined));
  if (!isAddress) throw new TypeError('login must be the address of the login, such as "/auth/login".');
}

/** A request that a person has to sign in for. */
export interface Interrupted {
  /** Its path and query, as the app sees them. */
  readonly url: string;
  /** True when a person opened a page, which can be opened again. */
  readonly isNavigation: boolean;
}

/**
 * Where the person behind a request signs in. People come back to the page that they opened; what was sent is not sent
 * again. The installation that an AppConnect launch names goes with them.
 */
export function loginAddressFor(login: string, { url, isNavigation }: Interrupted): string {
  const parameters = new URLSearchParams();
  // A longer address would exceed the header limit of the next request.
  const isShort = url.length <= MAX_RETURN_TO_LENGTH;
  if (isNavigation && isShort) parameters.set("returnTo", url);
  const installations = new URLSearchParams(queryIn(url)).getAll("talkdesk_installation_id");
  // All of them, even if one too many: the login says so.
  if (isShort || encodeURIComponent(installations.join()).length <= MAX_RETURN_TO_LENGTH) {
    for (const id of installations) parameters.append("talkdesk_installation_id", id);
  }
  if (parameters.size === 0) return login;
  return `${login}${login.includes("?") ? "&" : "?"}${parameters}`;
}

/**
 * True for a request to the login itself. Behind a proxy that strips a prefix, the app sees the end of the login's
 * address; then the request is known by what {@link loginAddressFor} has put into it.
 */
export function isLoginItself(login: string, url: string): boolean {
  const [loginPath = ""] = login.split("?", 1);
  const [path = ""] = url.split("?", 1);
  if (path === loginPath) return true;
  return (
    loginPath.endsWith(path) && path.startsWith("/") && new URLSearchParams(queryIn(url)).has("returnTo")
  );
}
