import { checkMembers } from "../base/check-members.js";
import { makeRecentSet } from "../base/recent-set.js";
import { checkRegion, type Region } from "../base/region.js";

/** Chooses access tokens. A member that is left out matches all. */
export interface TokenFilter {
  /** The region that they were issued in. */
  readonly region?: Region;
  /** The account that they were issued for. */
  readonly account?: string;
  /** The client that they were issued to. */
  readonly clientId?: string;
  /** Tokens for client credentials have no user, so they never match. */
  readonly userId?: string;
}

/** An access token that the emulator has issued, as its gateways see it. */
export interface IssuedToken {
  readonly value: string;
  readonly region: Region;
  readonly account: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The user that it acts for; undefined for client credentials. */
  readonly userId: string | undefined;
  /** The login that it belongs to, with its refresh tokens; undefined for client credentials. */
  readonly grantId: string | undefined;
  /** Epoch milliseconds. */
  readonly issuedAt: number;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  /** True for a service token, which is sent without `Bearer`. */
  readonly isBare: boolean;
}

/** The access tokens that were issued, and which of them are revoked. */
export interface IssuedTokens {
  add(token: IssuedToken): void;
  /** Finds a token by its value, even if it has expired or was revoked. */
  find(value: string): IssuedToken | undefined;
  isRevoked(token: IssuedToken): boolean;
  /** Revokes access tokens, and gives the number of those that were not revoked before. */
  revoke(filter: TokenFilter): number;
  /** Revokes every token of a login, issued or still to come. */
  revokeGrant(grantId: string): void;
  /** Revokes access tokens and the logins that they belong to. */
  revokeLogins(filter: TokenFilter): void;
  isGrantRevoked(grantId: string): boolean;
  /** Counts the tokens issued, of the last 20 000. */
  count(filter: TokenFilter): number;
}

// Old tokens have expired, and an emulator that runs for days must not keep them all.
const MAX_TOKENS = 20_000;

/** Makes an empty register of issued tokens. */
export function makeIssuedTokens(): IssuedTokens {
  const tokens = new Map<string, IssuedToken>();
  const revoked = new WeakSet<IssuedToken>();
  const revokedGrants = makeRecentSet<string>();

  function revoke(filter: TokenFilter): number {
    checkTokenFilter(filter);
    let count = 0;
    for (const token of tokens.values()) {
      if (isRevoked(token) || !matches(token, filter)) continue;
      revoked.add(token);
      count += 1;
    }
    return count;
  }

  function isRevoked(token: IssuedToken): boolean {
    return revoked.has(token) || (token.grantId !== undefined && revokedGrants.has(token.grantId));
  }

  return {
    add(token) {
      tokens.set(token.value, token);
      if (tokens.size > MAX_TOKENS) {
        const [oldest] = tokens.keys();
        if (oldest !== undefined) tokens.delete(oldest);
      }
    },
    find: (value) => tokens.get(value),
    isRevoked,
    revoke,
    revokeGrant: revokedGrants.add,
    revokeLogins(filter) {
      revoke(filter);
      for (const token of tokens.values()) {
        if (token.grantId !== undefined && matches(token, filter)) revokedGrants.add(token.grantId);
      }
    },
    isGrantRevoked: revokedGrants.has,
    count(filter) {
      checkTokenFilter(filter);
      return [...tokens.values()].filter((token) => matches(token, filter)).length;
    },
  };
}

function matches(token: IssuedToken, filter: TokenFilter): boolean {
  return (
    (filter.region === undefined || filter.region === token.region) &&
    (filter.account === undefined || filter.account === token.account) &&
    (filter.clientId === undefined || filter.clientId === token.clientId) &&
    (filter.userId === undefined || filter.userId === token.userId)
  );
}

function checkTokenFilter(filter: TokenFilter): void {
  checkMembers("a token filter", filter, ["region", "account", "clientId", "userId"]);
  if (filter.region !== undefined) checkRegion(filter.region);
}
