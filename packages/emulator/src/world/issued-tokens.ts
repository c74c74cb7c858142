import { checkMembers } from "../base/known-members.js";
import { recentSet } from "../base/recent-set.js";
import { isRegion, type Region } from "../base/region.js";

/** Which access tokens are meant; a member left out matches all. */
export interface TokenFilter {
  readonly region?: Region;
  readonly account?: string;
  readonly clientId?: string;
  /** Tokens for client credentials have no user. */
  readonly userId?: string;
}

/** An access token that the emulator has issued, as its gateways see it. */
export interface IssuedToken {
  readonly value: string;
  readonly region: Region;
  readonly account: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
  /** The user it acts for; absent for client credentials. */
  readonly userId: string | undefined;
  /** What ties it to the refresh tokens of the same login. */
  readonly grantId: string | undefined;
  /** Epoch milliseconds, as is the end. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** Whether it is sent without a scheme, as service tokens are. */
  readonly isBare: boolean;
}

/** Every access token issued, and which of them were revoked. */
export interface IssuedTokens {
  record(token: IssuedToken): void;
  /** Finds a token by its value, also one that has expired or was revoked. */
  find(value: string): IssuedToken | undefined;
  isRevoked(token: IssuedToken): boolean;
  /** Revokes and gives the number of tokens that were not revoked before. */
  revoke(filter: TokenFilter): number;
  /** Revokes all that a login has brought, and will bring. */
  revokeGrant(grantId: string): void;
  /** Revokes the tokens and the logins that they came from. */
  revokeLogins(filter: TokenFilter): void;
  isGrantRevoked(grantId: string): boolean;
  /** Counts the tokens issued, of the last 20 000. */
  count(filter: TokenFilter): number;
}

// A token that expired long ago is of no use to anybody; a server that runs for days must not keep them all.
const keptTokens = 20_000;

/** Makes an empty register of issued tokens. */
export function issuedTokens(): IssuedTokens {
  const tokens = new Map<string, IssuedToken>();
  const revoked = new WeakSet<IssuedToken>();
  const revokedGrants = recentSet<string>();

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
    record(token) {
      tokens.set(token.value, token);
      if (tokens.size > keptTokens) {
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
  if (filter.region !== undefined && !isRegion(filter.region)) {
    throw new TypeError(`there is no region ${JSON.stringify(filter.region)}`);
  }
}
