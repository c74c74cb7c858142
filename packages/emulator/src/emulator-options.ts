import { checkAccountNames } from "./base/account-name.js";
import { checkMembers } from "./base/known-members.js";
import { regions } from "./base/region.js";
import type { KeyListing } from "./identity/published-keys.js";
import type { RequestRecord } from "./message/request-record.js";
import type { SigningAlgorithm } from "./world/signing-keys.js";

/** How to start the emulator; everything has a default. */
export interface EmulatorOptions {
  /**
   * The port of the identity host; the gateways of us, eu, ca and au take the next four, the files host the one
   * after. 0, the default, gives every server a free port.
   */
  readonly port?: number;
  /** A loopback address: `127.0.0.1` (the default), `::1` or `localhost`. */
  readonly host?: string;
  /** What credentials, identifiers and data are derived from. Default `talkdesk`. */
  readonly seed?: string;
  /** The accounts that exist, in every region. Default: `acme`. */
  readonly accounts?: readonly string[];
  /** How long access tokens live, in seconds. Default 599. */
  readonly tokenLifetimeSeconds?: number;
  /**
   * `rotate`, the default: each refresh token is good for one use. `keep`: the same refresh token comes back. `omit`:
   * it stays good as well, and the answers to refreshes do not repeat it. What the real service does is not documented.
   */
  readonly refreshTokens?: "rotate" | "keep" | "omit";
  /**
   * What a second use of a rotated refresh token leads to: `revoke`, the default, ends the login with all its tokens;
   * `refuse` leaves the successor good. What the real service does is not documented.
   */
  readonly refreshReuse?: "revoke" | "refuse";
  /**
   * Whether a login brings a refresh token only when the scope `refresh_token` was asked for, or no scope at all. Default
   * false. What the real service does is not documented.
   */
  readonly requiresRefreshTokenScope?: boolean;
  /** What `token_type` says of a service token, which is not documented. Default `opaque`. */
  readonly serviceTokenType?: string;
  /** What ID tokens are signed with. Default `ES256`. */
  readonly idTokenAlgorithm?: SigningAlgorithm;
  /** The `iss` of ID tokens, which is not documented. Default: the origin of the identity host. */
  readonly idTokenIssuer?: string;
  /**
   * How far the service's clock is ahead, in milliseconds: the `Date` of its answers, the times in its tokens, and what
   * it judges those of client assertions by. Default 0.
   */
  readonly clockSkewMs?: number;
  /**
   * How a login goes: `automatic`, the default, signs the first user in, or whom `login_hint` names, without asking.
   * `page` shows a page with a button for each of some users, and one that denies.
   */
  readonly login?: "automatic" | "page";
  /** How the public keys are shown. Default: with `kid` and `alg`. New ones are made by `keys.rotate()`. */
  readonly keys?: KeyListing;
  /** How many polls a report job answers before it is done. Default 2. */
  readonly reportPolls?: number;
  /** How many rows the file of a report has, at about 80 bytes each. At most 1 000 000; default 40. */
  readonly reportRows?: number;
  /** Called with each request when it has been answered, cut or given up. */
  readonly onRequest?: (record: RequestRecord) => void;
}

const optionMembers = [
  "port",
  "host",
  "seed",
  "accounts",
  "tokenLifetimeSeconds",
  "refreshTokens",
  "refreshReuse",
  "requiresRefreshTokenScope",
  "serviceTokenType",
  "idTokenAlgorithm",
  "idTokenIssuer",
  "clockSkewMs",
  "login",
  "keys",
  "reportPolls",
  "reportRows",
  "onRequest",
];
const loopbackHosts: readonly unknown[] = ["127.0.0.1", "::1", "localhost"];
const maximumReportRows = 1_000_000;
const lastBasePort = 65_535 - 1 - regions.length;

/**
 * Checks the options and fills in the defaults, but for the seed.
 *
 * @throws TypeError that names what is wrong.
 */
export function checkEmulatorOptions(options: EmulatorOptions): Required<
  Omit<EmulatorOptions, "seed" | "onRequest" | "idTokenIssuer">
> & {
  readonly idTokenIssuer: string | undefined;
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
} {
  checkMembers("the options", options, optionMembers);
  const {
    port = 0,
    host = "127.0.0.1",
    accounts = ["acme"],
    tokenLifetimeSeconds = 599,
    refreshTokens = "rotate",
    refreshReuse = "revoke",
    requiresRefreshTokenScope = false,
    serviceTokenType = "opaque",
    idTokenAlgorithm = "ES256",
    idTokenIssuer,
    clockSkewMs = 0,
    login = "automatic",
    keys = {},
    reportPolls = 2,
    reportRows = 40,
    onRequest,
  } = options;
  if (!Number.isInteger(port) || port < 0 || port > lastBasePort) {
    throw new TypeError(`port must be an integer from 0 to ${lastBasePort}`);
  }
  if (!loopbackHosts.includes(host)) {
    throw new TypeError(`host must be a loopback address (${loopbackHosts.join(", ")})`);
  }
  if (!Number.isSafeInteger(tokenLifetimeSeconds) || tokenLifetimeSeconds < 1) {
    throw new TypeError("tokenLifetimeSeconds must be a positive integer");
  }
  if (refreshTokens !== "rotate" && refreshTokens !== "keep" && refreshTokens !== "omit") {
    throw new TypeError('refreshTokens must be "rotate", "keep" or "omit"');
  }
  if (refreshReuse !== "revoke" && refreshReuse !== "refuse") {
    throw new TypeError('refreshReuse must be "revoke" or "refuse"');
  }
  if (typeof requiresRefreshTokenScope !== "boolean") {
    throw new TypeError("requiresRefreshTokenScope must be a boolean");
  }
  if (typeof serviceTokenType !== "string") throw new TypeError("serviceTokenType must be a string");
  if (idTokenAlgorithm !== "ES256" && idTokenAlgorithm !== "RS256") {
    throw new TypeError('idTokenAlgorithm must be "ES256" or "RS256"');
  }
  if (idTokenIssuer !== undefined && (typeof idTokenIssuer !== "string" || idTokenIssuer === "")) {
    throw new TypeError("idTokenIssuer must be a string that is not empty");
  }
  if (login !== "automatic" && login !== "page") throw new TypeError('login must be "automatic" or "page"');
  checkMembers("keys", keys, ["omitKid", "omitAlg"]);
  if (!Number.isSafeInteger(clockSkewMs)) throw new TypeError("clockSkewMs must be an integer");
  if (!Number.isSafeInteger(reportPolls) || reportPolls < 0) {
    throw new TypeError("reportPolls must be an integer of 0 or more");
  }
  if (!Number.isSafeInteger(reportRows) || reportRows < 0 || reportRows > maximumReportRows) {
    throw new TypeError(`reportRows must be an integer from 0 to ${maximumReportRows}`);
  }
  if (onRequest !== undefined && typeof onRequest !== "function") {
    throw new TypeError("onRequest must be a function");
  }
  return {
    port,
    host,
    accounts: checkAccountNames(accounts),
    tokenLifetimeSeconds,
    refreshTokens,
    refreshReuse,
    requiresRefreshTokenScope,
    serviceTokenType,
    idTokenAlgorithm,
    idTokenIssuer,
    clockSkewMs,
    login,
    keys,
    reportPolls,
    reportRows,
    onRequest,
  };
}
