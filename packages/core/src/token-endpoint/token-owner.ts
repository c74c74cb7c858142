import type { TalkdeskClient } from "../client/client.js";
import type { AccessToken } from "../token/access-token.js";

/**
 * Whose a token is: the client that asked for it, where it asked, and where the token may go. Nothing of it is secret.
 * @internal
 */
export interface TokenOwner {
  readonly tokenEndpoint: string;
  /** Absent for an authentication that names no client. */
  readonly clientId?: string | undefined;
  readonly api: string;
}

/** @internal */
export function ownerOf({ endpoints, authentication }: TalkdeskClient): TokenOwner {
  const { clientId } = authentication;
  return { tokenEndpoint: endpoints.token, clientId, api: endpoints.api };
}

/** @internal */
export const isSameOwner = (one: TokenOwner, other: TokenOwner): boolean =>
  one.tokenEndpoint === other.tokenEndpoint && one.clientId === other.clientId && one.api === other.api;

/** What this copy of the package has seen of tokens: nothing about one that was made by hand, or read from a text. */
const owners = new WeakMap<AccessToken, TokenOwner>();

/**
 * Remembers whose the token is.
 * @internal
 */
export function noteOwner(token: AccessToken, owner: TokenOwner): void {
  owners.set(token, owner);
}

/**
 * Whether the token was given to another client, or to this one elsewhere.
 * @internal
 */
export function isOfAnother(token: AccessToken, client: TalkdeskClient): boolean {
  const owner = owners.get(token);
  return owner !== undefined && !isSameOwner(owner, ownerOf(client));
}
