import { checkMembers } from "./base/check-members.js";
import { LAXITIES, type Laxity } from "./base/laxity.js";
import { REGIONS } from "./base/region.js";
import { checkOperations } from "./gateway/check-operations.js";
import type { Operation } from "./gateway/own-operation.js";
import type { KeyListing } from "./identity/published-keys.js";
import type { RequestRecord } from "./message/request-record.js";
import type { SigningAlgorithm } from "./world/signing-keys.js";

/** How to start the emulator. Every option has a default. */
export interface EmulatorOptions {
  /**
   * The port of the identity host. The gateways take the next ports, one for each region in the order us, eu, ca, au, and
   * the files host the one after. Default: 0, which gives every server a free port.
   */
  readonly port?: number;
  /** A loopback address: `127.0.0.1`, `::1` or `localhost`. Default: `127.0.0.1`. */
  readonly host?: string;
  /** Credentials, identifiers and data follow from this text. Default: `talkdesk`. */
  readonly seed?: string;
  /** The names of the accounts, which exist in every region: lower-case DNS labels. Default: `["acme"]`. */
  readonly accounts?: readonly string[];
  /** How long access tokens live, in seconds. Default: 599. */
  readonly tokenLifetimeSeconds?: number;
  /**
   * What a refresh does with the refresh token. Default: `rotate`. What the service does is not documented.
   *
   * - `rotate`: the answer has a new one, and the old one cannot be used again.
   * - `keep`: the answer repeats the old one, which stays valid.
   * - `omit`: the answer has none, and the old one stays valid.
   */
  readonly refreshTokens?: "rotate" | "keep" | "omit";
  /**
   * What a second use of a rotated refresh token leads to. Default: `revoke`. What the service does is not documented.
   *
   * - `revoke`: the login ends, and all its tokens are revoked.
   * - `refuse`: the request is refused, and the successor stays valid.
   */
  readonly refreshReuse?: "revoke" | "refuse";
  /**
   * True: a login gets a refresh token only when its scope has `refresh_token`, or when it asks for no scope. Default:
   * false. What the service does is not documented.
   */
  readonly requiresRefreshTokenScope?: boolean;
  /** The `token_type` in the answer with a service token, which is not documented. Default: `opaque`. */
  readonly serviceTokenType?: string;
  /** The algorithm that signs ID tokens. Default: `ES256`. */
  readonly idTokenAlgorithm?: SigningAlgorithm;
  /** The `iss` of ID tokens, which is not documented. Default: the origin of the identity host. */
  readonly idTokenIssuer?: string;
  /**
   * How far the clock of the service is ahead, in milliseconds. It decides the `Date` of answers, the times in tokens, and
   * whether a client assertion has expired. Default: 0.
   */
  readonly clockSkewMs?: number;
  /**
   * How a user logs in. Default: `automatic`.
   *
   * - `automatic`: the first user, or the one that `login_hint` names, is signed in without a page.
   * - `page`: a page has a button for each of five users, and one that denies.
   */
  readonly login?: "automatic" | "page";
  /** How the public keys are shown. Default: with `kid` and `alg`. See `keys.rotate()` for new keys. */
  readonly keys?: KeyListing;
  /** How many polls a report job answers before it is done. Default: 2. */
  readonly reportPolls?: number;
  /** How many rows the file of a report has, at about 80 bytes each. Default: 40. At most 1 000 000. */
  readonly reportRows?: number;
  /**
   * Operations of your own, in every account and region. They stand behind the same authorisation, scopes, faults and log
   * as the built-in ones, and come before them: of the operations that match a method and path, the first answers.
   * Default: none.
   */
  readonly operations?: readonly Operation[];
  /** What is accepted although the service does not document it. Default: nothing. */
  readonly lenient?: readonly Laxity[];
  /** Called with each request when it has been answered, was cut by a fault, or was given up by its client. */
  readonly onRequest?: (record: RequestRecord) => void;
}

/** The options with their defaults, but for the seed, which is used elsewhere. */
export type CheckedOptions = Required<Omit<EmulatorOptions, "seed" | "onRequest" | "idTokenIssuer">> & {
  readonly idTokenIssuer: string | undefined;
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
};

const OPTION_MEMBERS = [
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
  "operations",
  "lenient",
  "onRequest",
];

const LOOPBACK_HOSTS: readonly unknown[] = ["127.0.0.1", "::1", "localhost"];

/** An account is a host name in the real service. */
const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A file of so many rows is about 80 MB, which is made in memory. */
const MAX_REPORT_ROWS = 1_000_000;

/** The gateways and the files host need ports after that of the identity host. */
const MAX_PORT = 65_535 - REGIONS.length - 1;

/**
 * Checks the options and fills in the defaults, but for the seed.
 *
 * @throws TypeError that names the option that is wrong.
 */
export function checkEmulatorOptions(options: EmulatorOptions): CheckedOptions {
  checkMembers("the options", options, OPTION_MEMBERS);
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
    operations = [],
    lenient = [],
    onRequest,
  } = options;
  if (!Number.isInteger(port) || port < 0 || port > MAX_PORT) {
    throw new TypeError(`port must be an integer from 0 to ${MAX_PORT}.`);
  }
  if (!LOOPBACK_HOSTS.includes(host)) {
    throw new TypeError(`host must be a loopback address: one of ${LOOPBACK_HOSTS.join(", ")}.`);
  }
  if (!Number.isSafeInteger(tokenLifetimeSeconds) || tokenLifetimeSeconds < 1) {
    throw new TypeError("tokenLifetimeSeconds must be a positive integer.");
  }
  if (refreshTokens !== "rotate" && refreshTokens !== "keep" && refreshTokens !== "omit") {
    throw new TypeError('refreshTokens must be "rotate", "keep" or "omit".');
  }
  if (refreshReuse !== "revoke" && refreshReuse !== "refuse") {
    throw new TypeError('refreshReuse must be "revoke" or "refuse".');
  }
  if (typeof requiresRefreshTokenScope !== "boolean") {
    throw new TypeError("requiresRefreshTokenScope must be a boolean.");
  }
  if (typeof serviceTokenType !== "string") throw new TypeError("serviceTokenType must be a string.");
  if (idTokenAlgorithm !== "ES256" && idTokenAlgorithm !== "RS256") {
    throw new TypeError('idTokenAlgorithm must be "ES256" or "RS256".');
  }
  if (idTokenIssuer !== undefined && (typeof idTokenIssuer !== "string" || idTokenIssuer === "")) {
    throw new TypeError("idTokenIssuer must be a string that is not empty.");
  }
  if (login !== "automatic" && login !== "page") {
    throw new TypeError('login must be "automatic" or "page".');
  }
  checkMembers("keys", keys, ["omitKid", "omitAlg"]);
  if (!Number.isSafeInteger(clockSkewMs)) {
    throw new TypeError("clockSkewMs must be an integer number of milliseconds.");
  }
  if (!Number.isSafeInteger(reportPolls) || reportPolls < 0) {
    throw new TypeError("reportPolls must be an integer of 0 or more.");
  }
  if (!Number.isSafeInteger(reportRows) || reportRows < 0 || reportRows > MAX_REPORT_ROWS) {
    throw new TypeError(`reportRows must be an integer from 0 to ${MAX_REPORT_ROWS}.`);
  }
  if (onRequest !== undefined && typeof onRequest !== "function") {
    throw new TypeError("onRequest must be a function.");
  }
  return {
    port,
    host,
    accounts: checkAccounts(accounts),
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
    operations: checkOperations(operations),
    lenient: checkLenient(lenient),
    onRequest,
  };
}

function checkLenient(lenient: unknown): readonly Laxity[] {
  if (!Array.isArray(lenient)) throw new TypeError('lenient must be an array, such as ["secret-in-body"].');
  const wrong = lenient.findIndex((name) => !LAXITIES.includes(name));
  if (wrong !== -1) {
    throw new TypeError(
      `lenient must hold some of ${LAXITIES.join(", ")}; ${JSON.stringify(lenient[wrong])} is not one.`,
    );
  }
  return Object.freeze([...lenient]);
}

function checkAccounts(accounts: unknown): readonly string[] {
  if (!Array.isArray(accounts) || accounts.length === 0) {
    throw new TypeError('accounts must be a list of at least one account name, such as ["acme"].');
  }
  for (const account of accounts) {
    if (typeof account !== "string" || !DNS_LABEL.test(account)) {
      throw new TypeError(
        `accounts must hold lower-case DNS labels, such as acme; ${JSON.stringify(account)} is not one.`,
      );
    }
  }
  if (new Set(accounts).size !== accounts.length) throw new TypeError("accounts must not repeat a name.");
  return Object.freeze([...accounts]);
}
