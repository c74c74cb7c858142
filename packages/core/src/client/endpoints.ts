import { isLoopback, parseSecureUrl, requireOrigin } from "../base/secure-url.js";

/** A region of the Talkdesk cloud. */
export type Region = "us" | "eu" | "ca" | "au";

/** The addresses of one account, as absolute URLs: where its tokens come from, and where they may go. */
export interface Endpoints {
  /** Identity host, an origin such as `https://acme.talkdeskid.eu`. On a loopback address it may have a path. */
  readonly identity: string;
  /** Token endpoint, such as `https://acme.talkdeskid.eu/oauth/token`. */
  readonly token: string;
  /** Authorization endpoint, such as `https://acme.talkdeskid.eu/oauth/authorize`. */
  readonly authorize: string;
  /** Key set that verifies ID tokens, such as `https://acme.talkdeskid.eu/oauth/2023-10/certs`. */
  readonly jwks: string;
  /** API gateway, an origin such as `https://api.talkdeskapp.eu`. Tokens are sent there and nowhere else. */
  readonly api: string;
}

/**
 * The hosts of each region. They follow no pattern (`talkdeskidca.com`, but `talkdeskid.eu`). The gateway of AU is not
 * verified; its identity host is documented.
 */
const REGIONS: Readonly<Record<Region, { readonly identity: string; readonly api: string }>> = {
  us: { identity: "talkdeskid.com", api: "https://api.talkdeskapp.com" },
  eu: { identity: "talkdeskid.eu", api: "https://api.talkdeskapp.eu" },
  ca: { identity: "talkdeskidca.com", api: "https://api.talkdeskappca.com" },
  au: { identity: "talkdeskid.au", api: "https://api.talkdeskapp.au" },
};

/**
 * The origins of all gateways of Talkdesk that are known. The identity host of the UK is not, so it is no region here.
 * @internal
 */
export const GATEWAYS: ReadonlySet<string> = new Set([
  ...Object.values(REGIONS).map(({ api }) => api),
  "https://api.talkdeskapp.co.uk",
]);

/** One label of a host name (RFC 1123 §2.1), so that no account name leads to another host. */
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * Returns the addresses of one account in one region.
 *
 * @param account The account name, the first label of its identity host: at most 63 letters, digits and inner hyphens,
 *   in any case.
 * @param region In any case. Default `"us"`. The gateway of `"au"` is not verified; if Talkdesk gave you another one,
 *   replace it by `endpoints.api` of {@link TalkdeskClientOptions}.
 * @throws TypeError for any other account name or region. No account name can lead to another host.
 * @example
 * talkdeskEndpoints("acme", "eu").token; // https://acme.talkdeskid.eu/oauth/token
 * @see Talkdesk, "How to guarantee your app works in all regions" and "Refresh Token - Basic"
 */
export function talkdeskEndpoints(account: string, region: Region = "us"): Endpoints {
  if (typeof account !== "string" || !DNS_LABEL.test(account)) {
    throw new TypeError(
      "account must be the account's name alone, such as acme for acme.talkdeskid.com: letters, digits and inner hyphens, at most 63.",
    );
  }
  const name = (typeof region === "string" ? region.toLowerCase() : "") as Region;
  if (!Object.hasOwn(REGIONS, name)) {
    throw new TypeError(
      `region must be one of ${Object.keys(REGIONS).join(", ")}. For any other, give endpoints.identity and endpoints.api.`,
    );
  }
  const { identity, api } = REGIONS[name];
  return Object.freeze({ ...addPaths(`https://${account.toLowerCase()}.${identity}`), api });
}

/** The addresses at an identity host. */
const addPaths = (identity: string): Omit<Endpoints, "api"> => ({
  identity,
  token: `${identity}/oauth/token`,
  authorize: `${identity}/oauth/authorize`,
  jwks: `${identity}/oauth/2023-10/certs`,
});

/**
 * Combines the addresses of an account with the given ones, checked and normalised. Addresses that are missing follow
 * from `identity`, and `identity` follows from `token` where there is no account.
 *
 * @throws TypeError for an address that cannot be used, and when neither account nor addresses are given.
 * @internal
 */
export function resolveEndpoints(
  account: string | undefined,
  region: Region | undefined,
  overrides: Partial<Endpoints> = {},
): Endpoints {
  if (typeof overrides !== "object" || overrides === null)
    throw new TypeError("endpoints must be an object.");
  if (account === undefined && region !== undefined) {
    throw new TypeError("region without account has no meaning: give the account, or endpoints alone.");
  }
  const given = checkEndpoints(overrides);
  const base: Partial<Endpoints> = account === undefined ? {} : talkdeskEndpoints(account, region);
  const { identity = base.identity ?? deriveIdentity(given.token), api = base.api } = given;
  if (identity === undefined || api === undefined) {
    const missing = [...(identity === undefined ? ["identity"] : []), ...(api === undefined ? ["api"] : [])];
    throw new TypeError(
      `Give an account, or endpoints.identity and endpoints.api; missing: ${missing.join(", ")}. Without logins, token in place of identity is enough.`,
    );
  }
  // Member by member, since V8 would make a hidden class of its own for each copy of a frozen object.
  const { token, authorize, jwks } = { ...addPaths(identity), ...given };
  return Object.freeze({ identity, token, authorize, jwks, api });
}

function checkEndpoints(endpoints: Partial<Endpoints>): Partial<Endpoints> {
  const names = (["identity", "token", "authorize", "jwks", "api"] as const).filter(
    (name) => endpoints[name] !== undefined,
  );
  return Object.fromEntries(
    names.map((name) => {
      const url = parseSecureUrl(endpoints[name], `endpoints.${name}`);
      if (url.href.includes("?")) throw new TypeError(`endpoints.${name} must not have a query.`);
      if (name === "api" || (name === "identity" && !isLoopback(url))) {
        return [name, requireOrigin(url, `endpoints.${name}`)];
      }
      return [name, name === "identity" ? url.href.replace(/\/+$/, "") : url.href];
    }),
  );
}

/** Derives the identity host from the token endpoint: its origin, with the path before `/oauth/token` on loopback. */
function deriveIdentity(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const url = new URL(token);
  const [, path] = /^(.*)\/oauth\/token$/.exec(url.pathname) ?? [];
  return isLoopback(url) && path !== undefined ? url.origin + path : url.origin;
}
