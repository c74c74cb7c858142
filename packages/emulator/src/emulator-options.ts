import { checkAccountNames } from "./account-name.js";
import { checkMembers } from "./known-members.js";
import type { KeyListing } from "./published-keys.js";
import { regions } from "./region.js";
import type { RequestRecord } from "./request-record.js";

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
   * `rotate`, the default: each refresh token is good for one use, and a second one revokes the login. `keep`: the
   * same refresh token comes back. Which of the two the real service does is not documented.
   */
  readonly refreshTokens?: "rotate" | "keep";
  /**
   * How far the service's clock is ahead, in milliseconds: the `Date` of its answers, and what it judges the times of
   * client assertions by. Default 0.
   */
  readonly clockSkewMs?: number;
  /**
   * How a login goes: `automatic`, the default, signs the first user in, or whom `login_hint` names, without asking.
   * `page` shows a page with a button for each of some users, and one that denies.
   */
  readonly login?: "automatic" | "page";
  /** How the public keys are shown. Default: with `kid` and `alg`. */
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
  Omit<EmulatorOptions, "seed" | "onRequest">
> & {
  readonly onRequest: ((record: RequestRecord) => void) | undefined;
} {
  checkMembers("the options", options, optionMembers);
  const {
    port = 0,
    host = "127.0.0.1",
    accounts = ["acme"],
    tokenLifetimeSeconds = 599,
    refreshTokens = "rotate",
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
  if (refreshTokens !== "rotate" && refreshTokens !== "keep") {
    throw new TypeError('refreshTokens must be "rotate" or "keep"');
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
    clockSkewMs,
    login,
    keys,
    reportPolls,
    reportRows,
    onRequest,
  };
}
