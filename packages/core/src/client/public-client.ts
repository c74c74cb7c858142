import { type ClientAuthentication, findCredentialFault } from "./client-authentication.js";

/** Options of {@link publicClient}. */
export interface PublicClientOptions {
  /** The client's id. */
  readonly clientId: string;
}

/** Marks the authentication of a public client, also for another copy of this package. */
const IS_PUBLIC = Symbol.for("@talkdesk-oauth/public-client");

/**
 * For a client that can keep no secret, such as a desktop app or a command line tool: sends `client_id` and no proof. It
 * can log users in, always with PKCE, and refresh their tokens. It cannot ask for tokens of its own.
 *
 * Talkdesk does not document public clients; one has been seen to work. Prefer a client with a secret where there is a
 * server to keep it.
 *
 * @throws TypeError for an empty id, or one with control characters.
 * @example
 * const client = talkdeskClient({ account: "acme", authentication: publicClient({ clientId: "4f1c" }) });
 * @see RFC 6749 §2.1 and §3.2.1, RFC 7636 (PKCE), RFC 8252 (native apps)
 */
export function publicClient(options: PublicClientOptions): ClientAuthentication {
  const { clientId } = options;
  const fault = findCredentialFault(clientId);
  if (fault !== undefined) throw new TypeError(`clientId ${fault}.`);
  function publicClient({ body }: Parameters<ClientAuthentication>[0]): void {
    body.set("client_id", clientId);
  }
  return Object.freeze(Object.assign(publicClient, { clientId, [IS_PUBLIC]: true as const }));
}

/** @internal */
export const isPublicClient = (authentication: ClientAuthentication): boolean =>
  (authentication as { readonly [IS_PUBLIC]?: unknown })[IS_PUBLIC] === true;

/**
 * Checks that a client can ask for tokens of its own.
 *
 * @throws
 * - TypeError: a public client, which has no proof of its identity (RFC 6749 §4.4.2).
 * @internal
 */
export function checkConfidential(authentication: ClientAuthentication): void {
  if (!isPublicClient(authentication)) return;
  throw new TypeError(
    "A public client cannot have tokens of its own: it proves no identity. Log a user in with it, or use clientSecretBasic() or privateKeyJwt().",
  );
}
