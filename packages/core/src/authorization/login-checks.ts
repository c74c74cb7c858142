import { parseSecureUrl } from "../base/secure-url.js";
import { checkClient, type TalkdeskClient } from "../client/client.js";

/** A client that can log users in, since its authentication names the client's id. */
export type LoginClient = TalkdeskClient & { readonly authentication: { readonly clientId: string } };

/**
 * Checks that `client` can log users in: a client of {@link talkdeskClient} whose authentication has a `clientId`, as
 * those of this package do.
 *
 * @throws TypeError for anything else.
 * @example
 * checkLoginClient(talkdeskClient({ account: "acme", authentication: clientSecretBasic({ clientId, clientSecret }) }));
 */
export function checkLoginClient(client: unknown): asserts client is LoginClient {
  checkClient(client);
  const { clientId } = client.authentication;
  if (typeof clientId !== "string" || clientId === "") {
    throw new TypeError(
      "A login needs the client's id: give the authentication function a clientId property.",
    );
  }
}

/**
 * Checks that `value` can be a redirect URI: an absolute URL, `https:`, or `http:` on a loopback address, without a
 * user, a fragment, a dot after the host, white space or control characters. Every function of the packages that takes
 * a redirect URI calls this.
 *
 * @throws TypeError for anything else. The message does not repeat the value.
 * @example
 * checkRedirectUri("https://app.example.com/auth/callback"); // fine
 * checkRedirectUri("https://app.example.com./auth/callback"); // TypeError
 * @see RFC 6749 §3.1.2
 */
export function checkRedirectUri(value: unknown): asserts value is string {
  parseSecureUrl(value, "redirectUri");
  // Servers compare redirect URIs as text, and `URL` removes these characters.
  if (/[\s\p{Cc}]/u.test(String(value))) {
    throw new TypeError("redirectUri must have no spaces and no control characters.");
  }
}

/**
 * Checks that `issuers` can be the issuers of ID tokens: a list of at least one string, none empty. Every function of
 * the packages that takes issuers calls this.
 *
 * @throws TypeError for anything else.
 * @example
 * checkIssuers(["https://acme.talkdeskid.com"]);
 */
export function checkIssuers(issuers: unknown): asserts issuers is readonly string[] {
  const isList = Array.isArray(issuers) && issuers.length > 0;
  if (!isList || !issuers.every((issuer) => typeof issuer === "string" && issuer !== "")) {
    throw new TypeError('issuers must be a list of strings, such as ["https://acme.talkdeskid.com"].');
  }
}
