import { checkMembers } from "./base/check-members.js";
import { LAXITIES, type Laxity } from "./base/laxity.js";
import { REGIONS } from "./base/region.js";
import type { EmulatorOptions } from "./emulator-options.js";
import { checkOperations } from "./gateway/check-operations.js";
import type { RequestRecord } from "./message/request-record.js";
import { checkRedirectUris, DEFAULT_REDIRECT_URI } from "./world/client-registration.js";

/** The options with their defaults, but for the seed, which is used elsewhere. */
export type CheckedOptions = Required<Omit<EmulatorOptions, "seed" | "onRequest" | "idTokenIssuer">> & {
  readonly idTokenIssuer: string | undefined;
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
};

const OPTION_MEMBERS = [
  "port",
  "host",
  "tls",
  "seed",
  "accounts",
  "redirectUris",
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

/** A file of so many rows has some 240 MB as CSV and 430 MB as JSON, which is made in memory. */
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
    tls = false,
    accounts = ["acme"],
    redirectUris = [DEFAULT_REDIRECT_URI],
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
  if (typeof tls !== "boolean") throw new TypeError("tls must be a boolean.");
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
    tls,
    accounts: checkAccounts(accounts),
    redirectUris: checkRedirectUris(redirectUris),
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
