import { isLoopback, parseSecureUrl, requireOrigin } from "../base/secure-url.js";

/** A region of the Talkdesk cloud. */
export type Region = "us" | "eu" | "ca" | "au";

/** Where one account's tokens come from, and where they may go: absolute URLs. */
export interface Endpoints {
  /** The identity host, an origin such as `https://acme.talkdeskid.eu`. On a loopback address it may have a path. */
  readonly identity: string;
  /** Token endpoint, such as `https://acme.talkdeskid.eu/oauth/token`. */
  readonly token: string;
  /** Authorization endpoint, such as `https://acme.talkdeskid.eu/oauth/authorize`. */
  readonly authorize: string;
  /** Key set that signs ID tokens, such as `https://acme.talkdeskid.eu/oauth/2023-10/certs`. */
  readonly jwks: string;
  /** The API gateway, an origin such as `https://api.talkdeskapp.eu`: tokens go there and nowhere else. */
  readonly api: string;
}

/**
 * Suffixes cannot be derived (`talkdeskidca.com` beside `talkdeskid.eu`), so this is a table.
 * The identity host of AU is documented; its gateway is not verified.
 */
const REGIONS: Readonly<Record<Region, { readonly identity: string; readonly api: string }>> = {
  us: { identity: "talkdeskid.com", api: "https://api.talkdeskapp.com" },
  eu: { identity: "talkdeskid.eu", api: "https://api.talkdeskapp.eu" },
  ca: { identity: "talkdeskidca.com", api: "https://api.talkdeskappca.com" },
  au: { identity: "talkdeskid.au", api: "https://api.talkdeskapp.au" },
};

const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/i;

/**
 * The addresses of one account in one region.
 *
 * @param account The account name, the first label of its identity host: letters, digits and inner hyphens,
 *   at most 63. Lower-cased.
 * @param region Default `"us"`; in any case of letters. The gateway of `"au"` is not verified; override `endpoints.api` of
 *   {@link TalkdeskClientOptions} if Talkdesk gave you another.
 * @throws TypeError at once, when either is anything else: no account name can lead to another host.
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

const addPaths = (identity: string): Omit<Endpoints, "api"> => ({
  identity,
  token: `${identity}/oauth/token`,
  authorize: `${identity}/oauth/authorize`,
  jwks: `${identity}/oauth/2023-10/certs`,
});

/**
 * The endpoints of an account with some of them replaced, or given ones alone; each checked and normalised. What is
 * not given follows from `identity`, and that from `token` where there is neither `identity` nor an account.
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
  return Object.freeze({ ...addPaths(identity), api, ...given });
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

/** Where a token endpoint stands: its origin, or on a loopback address what comes before `/oauth/token`. */
function deriveIdentity(token: string | undefined): string | undefined {
  if (token === undefined) return undefined;
  const url = new URL(token);
  const [, path] = /^(.*)\/oauth\/token$/.exec(url.pathname) ?? [];
  return isLoopback(url) && path !== undefined ? url.origin + path : url.origin;
}
