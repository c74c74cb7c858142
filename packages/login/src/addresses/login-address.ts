import { parseUrl } from "@talkdesk-oauth/core";
import { queryIn } from "../base/query.js";
import { MAX_RETURN_TO_LENGTH } from "./return-to.js";

/**
 * Checks the configured address of a login: a path on the app's own origin, or an absolute URL elsewhere.
 *
 * @throws TypeError for anything that a browser cannot be redirected to.
 */
export function checkLoginAddress(login: unknown): asserts login is string {
  const isAddress =
    typeof login === "string" &&
    !/[\s#\p{Cc}]/u.test(login) &&
    (/^\/(?![/\\])/.test(login) || (/^https?:\/\//.test(login) && parseUrl(login) !== undefined));
  if (!isAddress) throw new TypeError('login must be the address of the login, such as "/auth/login".');
}

/** A request that needs a signed-in user. */
export interface Interrupted {
  /** Its path and query, as the app sees them. */
  readonly url: string;
  /** True when a person opened a page, which can be opened again. */
  readonly isNavigation: boolean;
}

/**
 * The address of the login for one request. After the login, a user who opened a page returns to it; a request that
 * sent something is not repeated. The installation of an AppConnect launch is passed on to the login.
 */
export function loginAddressFor(login: string, { url, isNavigation }: Interrupted): string {
  const parameters = new URLSearchParams();
  // A longer address would exceed the header limit of the next request.
  const isShort = url.length <= MAX_RETURN_TO_LENGTH;
  if (isNavigation && isShort) parameters.set("returnTo", url);
  const installations = new URLSearchParams(queryIn(url)).getAll("talkdesk_installation_id");
  // Repeated parameters are passed on as they are, since the login refuses them with an explanation.
  if (isShort || encodeURIComponent(installations.join()).length <= MAX_RETURN_TO_LENGTH) {
    for (const id of installations) parameters.append("talkdesk_installation_id", id);
  }
  if (parameters.size === 0) return login;
  return `${login}${login.includes("?") ? "&" : "?"}${parameters}`;
}

/**
 * True for a request to the login itself. Behind a proxy that strips a prefix, the app sees the end of the login's
 * address; then the request is recognised by the `returnTo` that {@link loginAddressFor} adds.
 */
export function isLoginItself(login: string, url: string): boolean {
  const [loginPath = ""] = login.split("?", 1);
  const [path = ""] = url.split("?", 1);
  if (path === loginPath) return true;
  return (
    loginPath.endsWith(path) && path.startsWith("/") && new URLSearchParams(queryIn(url)).has("returnTo")
  );
}
