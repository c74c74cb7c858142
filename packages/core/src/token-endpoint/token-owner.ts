import type { TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";

/**
 * The owner of a token: the client that asked for it, the token endpoint, and the gateway. None of these is secret.
 * @internal
 */
export interface TokenOwner {
  readonly tokenEndpoint: string;
  /** Absent for an authentication that names no client. */
  readonly clientId?: string | undefined;
  readonly api: string;
}

/**
 * Returns the owner of the tokens of a client.
 * @internal
 */
export function ownerOf({ endpoints, authentication }: TalkdeskClient): TokenOwner {
  const { clientId } = authentication;
  return { tokenEndpoint: endpoints.token, clientId, api: endpoints.api };
}

/**
 * True for two owners that are the same.
 * @internal
 */
export const isSameOwner = (one: TokenOwner, other: TokenOwner): boolean =>
  one.tokenEndpoint === other.tokenEndpoint && one.clientId === other.clientId && one.api === other.api;

/** The owners of tokens that this copy of the package has requested. Tokens from `accessToken()` or a text have none. */
const owners = new WeakMap<AccessToken, TokenOwner>();

/**
 * Remembers the owner of a token.
 * @internal
 */
export function noteOwner(token: AccessToken, owner: TokenOwner): void {
  owners.set(token, owner);
}

/**
 * True for a token that is known to belong to another client, token endpoint or gateway.
 * @internal
 */
export function isOfAnother(token: AccessToken, client: TalkdeskClient): boolean {
  const owner = owners.get(token);
  return owner !== undefined && !isSameOwner(owner, ownerOf(client));
}
